import { boxesIn, boxIn } from './boxes.ts';
import { has } from './picture.ts';

/** QuickTime before 2001 has no ftyp: one of these comes first. */
const oldBeginnings = ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'];

/** A file without brands that shows a track of video, or that is a body of data whose tracks come later. */
export function isOldQuickTime(head: DataView, whole: boolean): boolean {
  if (!oldBeginnings.some((name) => has(head, 4, name))) return false;
  const tracks = tracksOf(head);
  if (tracks !== undefined) return tracks.includes('vide');
  return !whole && boxesIn(head).some(({ name }) => name === 'mdat');
}

/** Whether all its tracks are at hand and there is sound among them and no picture. */
export function isOnlySound(head: DataView): boolean {
  const tracks = tracksOf(head);
  return tracks !== undefined && tracks.includes('soun') && !tracks.includes('vide');
}

/** What each track is handled by (ISO/IEC 14496-12 §8.4.3); undefined when that is not, or not all, in these bytes. */
function tracksOf(head: DataView): string[] | undefined {
  const movie = boxIn(head, 'moov');
  if (movie === undefined || movie.cut) return undefined;
  return boxesIn(movie.content)
    .filter(({ name }) => name === 'trak')
    .map(({ content }) => handlerOf(content))
    .toArray();
}

function handlerOf(track: DataView): string {
  const media = boxIn(track, 'mdia');
  const handler = media && boxIn(media.content, 'hdlr');
  return ['vide', 'soun'].find((kind) => handler !== undefined && has(handler.content, 8, kind)) ?? '';
}
