import type { RequestHandler } from 'express';
import { HoldfastError } from '../core/error.ts';

/** Ends a route: what reaches it came with another method. OPTIONS is told which there are. */
export function onlyMethods(allow: string): RequestHandler {
  return (req, res) => {
    res.setHeader('Allow', allow);
    if (req.method === 'OPTIONS') return void res.status(204).end();
    throw new HoldfastError('method-not-allowed', `${req.method} is not allowed here. Use ${allow}.`);
  };
}
