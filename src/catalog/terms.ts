import type { Media } from '../core/media.ts';

const mostTerms = 64;
const longestWord = 40;

/** What a media can be found by: the words of its name, description and tags, and its tags whole behind a `#`. */
export function termsOf(media: Pick<Media, 'name' | 'description' | 'tags'>): string[] {
  const terms = new Set<string>(media.tags.map(tagTerm));
  for (const text of [stem(media.name), ...media.tags, media.description ?? '']) {
    for (const word of wordsOf(text)) {
      if (terms.size >= mostTerms + media.tags.length) return [...terms];
      terms.add(word);
    }
  }
  return [...terms];
}

export function tagTerm(tag: string): string {
  return `#${tag.normalize('NFC').toLowerCase()}`;
}

/** Runs of letters or of digits, without case and accents: `IMG_2031 Café` gives img, 2031, cafe. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = folded.match(/\p{N}+|\p{L}+/gu) ?? [];
  return words.map((word) => word.slice(0, longestWord));
}

function stem(name: string): string {
  return name.replace(/\.[A-Za-z0-9]{1,5}$/, '');
}
