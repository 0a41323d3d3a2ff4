import type { Answer } from '../../uploads/idempotency.ts';
import type { Uploaded, UploadResult } from '../../uploads/finish.ts';
import { presentMedia } from '../present.ts';
import { problemOf, statusOf } from '../problem.ts';

/** One file is answered as itself, several as a list with a result for each. @throws the problem of a single file */
export function renderUpload(results: readonly UploadResult[], requestId: string): Answer {
  const [only, ...more] = results;
  if (only !== undefined && more.length === 0) {
    if ('problem' in only) throw only.problem;
    return answer(201, `/api/media/${only.media.id}`, present(only));
  }
  if (results.every((result) => 'media' in result))
    return answer(201, undefined, { items: results.map(present) });
  const items = results.map((result) =>
    'media' in result
      ? { status: 201, media: present(result) }
      : { status: statusOf[result.problem.code], problem: problemOf(result.problem, requestId) },
  );
  return answer(207, undefined, { items });
}

function present({ media, deduplicated }: Uploaded) {
  return presentMedia(media, deduplicated);
}

function answer(status: number, location: string | undefined, body: unknown): Answer {
  return { status, location, body: JSON.stringify(body), replayed: false };
}
