import { describe } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { keepsItsContract } from './contract.ts';
import { diskStore, healingStore, vaultStore } from './stores.ts';

describe('The store on the disk', () => keepsItsContract(diskStore));
describe('The store in a vault', () => keepsItsContract(vaultStore));
describe('The store that heals itself, with nothing to heal from', () => keepsItsContract(healingStore));
describe('The store that heals itself from a vault', () => {
  keepsItsContract(async (dir) => {
    const vault = await mkdtemp(`${dir}-vault-`);
    const { store: blobs } = await vaultStore(vault);
    const healing = await healingStore(dir, [{ name: 'local', blobs }]);
    return {
      ...healing,
      async close() {
        await healing.close();
        await rm(vault, { recursive: true, force: true });
      },
    };
  });
});
