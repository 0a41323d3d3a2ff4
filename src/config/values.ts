import { isIP } from 'node:net';

/** What a text means, or what is wrong with it and what to write instead. */
type Parsed<T> = { readonly value: T } | { readonly wrong: string; readonly write: string };
export type Parse<T> = (text: string) => Parsed<T>;

export function wholeNumber(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return { value };
    const wrong = Number.isNaN(value) ? 'is not a whole number' : `is not between ${min} and ${max}`;
    return { wrong, write: `Write a whole number from ${min} to ${max}.` };
  };
}

export function oneOf<const T extends string>(...choices: T[]): Parse<T> {
  return (text) => {
    const value = choices.find((choice) => choice === text);
    return value === undefined
      ? { wrong: 'is none of the choices', write: `Write ${choices.join(' or ')}.` }
      : { value };
  };
}

const bytesIn = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** 500MB, 2GiB, 1.5 GB, or plain bytes. At least one byte. */
export const bytes: Parse<number> = (text) => {
  const [, amount = '', unit = 'b'] = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]+)?$/i.exec(text) ?? [];
  const value = Math.floor(
    Number(amount) * (bytesIn[unit.toLowerCase() as keyof typeof bytesIn] ?? Number.NaN),
  );
  if (amount !== '' && value >= 1 && Number.isSafeInteger(value)) return { value };
  return { wrong: 'is not an amount of bytes', write: 'Write it like 500MB, 2GiB or 1048576.' };
};

/** A path as it is typed; making it absolute is the caller's. */
export const path: Parse<string> = (text) => {
  if (/^[a-z][a-z0-9+.-]+:/i.test(text) || text === ':memory:') {
    return { wrong: 'is not a path', write: 'Write the path of a folder or file, such as /data.' };
  }
  if (text.startsWith('~')) {
    return { wrong: 'begins with ~, which only a shell understands', write: 'Write the whole path.' };
  }
  return { value: text };
};

/** An IP address or a host name to listen on. */
export const address: Parse<string> = (text) => {
  if (isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text)) return { value: text };
  return {
    wrong: 'is not an address to listen on',
    write: 'Write an address alone, such as 127.0.0.1, 0.0.0.0 or ::, and the port in PORT.',
  };
};

export const accessKey: Parse<string> = (text) => {
  const write = 'Write at least 20 letters and digits, for example what "openssl rand -hex 24" prints.';
  // a header carries it, and a client that trims would otherwise send another key than this one
  if (!/^[\x21-\x7e]+$/.test(text)) return { wrong: 'has spaces or characters that are not ASCII', write };
  return text.length < 20 ? { wrong: 'is too short to be safe', write } : { value: text };
};

/** `*`, or origins separated by commas. */
export const origins: Parse<'*' | readonly string[]> = (text) => {
  if (text === '*') return { value: '*' };
  const list = splitList(text);
  if (list.length > 0 && list.every(isOrigin)) return { value: list };
  return {
    wrong: 'is not a list of origins',
    write: 'Write * for every site, or origins without a path: https://app.example.com,https://example.com.',
  };
};

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && text !== 'null';
}
