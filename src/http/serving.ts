import { HoldfastError } from '../core/error.ts';
import type { HttpParts, Service } from './parts.ts';

/** The service, once it serves. @throws recovering */
export function serving(parts: HttpParts): Service {
  const service = parts.service();
  if (service !== undefined) return service;
  throw new HoldfastError('recovering', 'Holdfast is starting and looks at its data. Ask again shortly.');
}
