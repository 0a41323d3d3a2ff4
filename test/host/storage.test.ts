import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountOf } from '../../src/host/mountinfo.ts';
import type { HostEnv, Platform } from '../../src/host/platform.ts';
import { freeBytes } from '../../src/host/space.ts';
import { judge, judgeStorage, type StorageFacts } from '../../src/host/storage.ts';

const overlayRoot =
  '620 515 0:40 / / rw,relatime master:275 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/var/lib/docker/overlay2/c/diff,workdir=/var/lib/docker/overlay2/c/work';
const ext4Root = '26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard';
const btrfsRoot = '26 1 0:24 /@ / rw,relatime shared:1 - btrfs /dev/sda2 rw,subvol=/@';
const nfsRoot = '26 1 0:22 / / rw,relatime - nfs 10.0.0.2:/srv/root rw,vers=3';
const proc = '621 620 0:45 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw';
const namedVolume =
  '640 620 254:0 /var/lib/docker/volumes/holdfast_data/_data /data rw,relatime master:1 - ext4 /dev/vda rw,discard';
const anonymousVolume =
  '640 620 254:0 /var/lib/docker/volumes/3f4e1f0a9d6b7c8d2e1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e/_data /data rw,relatime master:1 - ext4 /dev/vda rw';
const anonymousOnOwnDisk = anonymousVolume.replace('/var/lib/docker/volumes', '');
const emptyDir =
  '640 620 259:1 /var/lib/kubelet/pods/8f1c6f5e-0d9a-4c86-9b1e-3b5e2f1a7c55/volumes/kubernetes.io~empty-dir/data /data rw,relatime - ext4 /dev/nvme0n1p1 rw';
const claim = '640 620 259:3 / /data rw,relatime - ext4 /dev/nvme1n1 rw';
const tmpfs = '640 620 0:52 / /data rw,relatime - tmpfs tmpfs rw,size=65536k';
const nfs = '640 620 0:60 / /data rw,relatime - nfs4 fs-1234.efs.eu-west-1.amazonaws.com:/ rw,vers=4.1';
const cifs = '640 620 0:60 / /data rw,relatime - cifs //nas/media rw,vers=3.1.1';
const gcsFuse = '640 620 0:60 / /data rw,nosuid,nodev,relatime - fuse.gcsfuse media rw';
const fuseOverlayRoot = '620 515 0:40 / / rw,relatime - fuse.fuse-overlayfs fuse-overlayfs rw';
const overlayBind = '640 620 0:41 /var/lib/docker/volumes/x/_data /data rw - overlay overlay rw';
const uploadsOnly = namedVolume.replace(' /data ', ' /data/uploads ');
const exfat = '88 26 8:17 / /data rw,relatime - fuseblk /dev/sdb1 rw';

function facts(platform: Platform, lines: string[] | null, hostEnv: HostEnv = {}): StorageFacts {
  const mountinfo = lines && [proc, ...lines, ''].join('\n');
  return { mountinfo, realDataDir: '/data', statfsType: null, platform, hostEnv };
}

describe('A disk', () => {
  test.each<[string, StorageFacts, string]>([
    ['a named volume of Docker', facts('docker', [overlayRoot, namedVolume]), 'volume'],
    ['a claim in Kubernetes', facts('kubernetes', [overlayRoot, claim]), 'volume'],
    ['a disk on Render', facts('render', [overlayRoot, claim]), 'volume'],
    ['a volume on Fly', facts('fly', [ext4Root, claim]), 'volume'],
    [
      'a volume on Railway',
      facts('railway', [overlayRoot, claim], { RAILWAY_VOLUME_MOUNT_PATH: '/data' }),
      'volume',
    ],
    [
      'a volume on Railway, unseen',
      facts('railway', null, { RAILWAY_VOLUME_MOUNT_PATH: '/data/' }),
      'volume',
    ],
    ['a disk mounted into a server', facts('plain', [ext4Root, claim]), 'volume'],
    ['a USB disk with NTFS', facts('plain', [ext4Root, exfat]), 'volume'],
    ['a server', facts('plain', [ext4Root]), 'disk'],
    ['a server with btrfs', facts('systemd', [btrfsRoot]), 'disk'],
    ['a desktop without mountinfo', facts('plain', null), 'disk'],
  ])('keeps uploads on %s', (_name, found, durable) => {
    expect(judge(found)).toMatchObject({ durable, warning: null });
  });

  test.each<[string, StorageFacts, RegExp]>([
    ['in the layer of a container', facts('docker', [overlayRoot]), /-v holdfast_data:\/data/],
    ['in the layer of a rootless container', facts('docker', [fuseOverlayRoot]), /-v holdfast_data:\/data/],
    ['in an overlay nobody explains', facts('plain', [overlayRoot]), /a disk that stays/],
    ['in memory', facts('docker', [overlayRoot, tmpfs]), /-v holdfast_data:\/data/],
    ['in the memory of a server', facts('systemd', [ext4Root, tmpfs]), /StateDirectory/],
    ['in memory, by statfs alone', { ...facts('plain', null), statfsType: 0x1021994 }, /a disk that stays/],
    [
      'in an emptyDir, which looks like a disk',
      facts('kubernetes', [overlayRoot, emptyDir]),
      /PersistentVolumeClaim/,
    ],
    ['in a pod without a volume', facts('kubernetes', [overlayRoot]), /PersistentVolumeClaim/],
    ['on the root of Fly, which looks like a disk', facts('fly', [ext4Root]), /\[\[mounts\]\]/],
    ['on Render without a disk', facts('render', [overlayRoot]), /Add a disk/],
    ['on Railway without a volume', facts('railway', [overlayRoot]), /Attach a volume/],
    [
      'beside the volume of Railway',
      facts('railway', [ext4Root], { RAILWAY_VOLUME_MOUNT_PATH: '/data/uploads' }),
      /Set DATA_DIR to \$\{\{RAILWAY_VOLUME_MOUNT_PATH\}\}/,
    ],
    [
      'where the volume of Railway should be but is not',
      facts('railway', [overlayRoot], { RAILWAY_VOLUME_MOUNT_PATH: '/data' }),
      /RAILWAY_VOLUME_MOUNT_PATH/,
    ],
    ['on Heroku', facts('heroku', [ext4Root]), /no volumes/],
    ['on Heroku, whatever is mounted', facts('heroku', [ext4Root, claim]), /no volumes/],
    ['on Cloud Run', facts('cloud-run', ['26 1 0:9 / / rw - 9p none rw']), /Cloud Run/],
    ['on App Platform', facts('digitalocean', [overlayRoot]), /Droplet/],
    ['on the disk of an ECS task', facts('ecs', [overlayRoot]), /EC2/],
  ])('loses uploads %s, and says what to do there', (_name, found, advice) => {
    expect(judge(found)).toMatchObject({ durable: 'ephemeral', warning: expect.stringMatching(advice) });
    expect(judge(found).warning).toMatch(/^Uploads here will be lost\./);
  });

  test.each<[string, StorageFacts]>([
    ['in a volume without a name', facts('docker', [overlayRoot, anonymousVolume])],
    ['in a volume without a name on a disk for volumes', facts('docker', [overlayRoot, anonymousOnOwnDisk])],
    ['on a mount that is itself a layer', facts('docker', [overlayRoot, overlayBind])],
    ['on the root of a container that is no overlay', facts('docker', [ext4Root])],
    ['on a volume of an ECS task', facts('ecs', [overlayRoot, claim])],
    ['on Fly without mountinfo', facts('fly', null)],
  ])('is doubtful %s', (_name, found) => {
    expect(judge(found)).toMatchObject({ durable: 'unknown', warning: expect.stringMatching(/may be lost/) });
  });

  test.each<[string, StorageFacts, string]>([
    ['NFS', facts('ecs', [overlayRoot, nfs]), 'nfs4'],
    ['SMB', facts('plain', [ext4Root, cifs]), 'cifs'],
    ['FUSE', facts('cloud-run', [ext4Root, gcsFuse]), 'fuse.gcsfuse'],
  ])('keeps uploads on %s, where SQLite is not safe', (_name, found, fileSystem) => {
    const warning = expect.stringMatching(`^SQLite is not safe on ${fileSystem}`);
    expect(judge(found)).toMatchObject({ durable: 'volume', warning });
  });

  test('of a diskless server stays, and SQLite is not safe there either', () => {
    const found = judge(facts('plain', [nfsRoot]));
    expect(found).toMatchObject({
      durable: 'disk',
      warning: expect.stringMatching(/^SQLite is not safe on nfs/),
    });
  });

  test('of which only uploads/ is on a mount loses the rows', () => {
    const found = judge(facts('fly', [ext4Root, uploadsOnly]));
    expect(found.durable).toBe('ephemeral');
    expect(found.warning).toContain('Only uploads is on a mount: the whole of DATA_DIR must be on one.');
  });

  test('is not named by a path in the warning', () => {
    const found = { ...facts('docker', [overlayRoot]), realDataDir: '/srv/secret' };
    expect(judge(found).warning).not.toContain('secret');
  });
});

describe('The mount of a folder', () => {
  const lines = (...all: string[]) => all.join('\n');

  test('is the one with the longest path, whole names compared', () => {
    const inner = claim.replace(' /data ', ' /data/deep ');
    expect(mountOf('/data/deep/down', lines(ext4Root, inner, namedVolume))?.point).toBe('/data/deep');
    expect(mountOf('/data/deeper', lines(ext4Root, inner, namedVolume))?.point).toBe('/data');
    expect(mountOf('/database', lines(ext4Root, namedVolume))?.point).toBe('/');
  });

  test('is the last of those on one point', () => {
    expect(mountOf('/data/x', lines(ext4Root, claim, tmpfs))?.fileSystem).toBe('tmpfs');
  });

  test('may have spaces in its path, and any number of optional fields', () => {
    const odd = '40 26 8:1 / /my\\040media\\134x rw shared:1 master:2 unbindable - xfs /dev/sdb1 rw';
    expect(mountOf('/my media\\x/a', lines(ext4Root, odd))).toEqual({
      root: '/',
      point: '/my media\\x',
      fileSystem: 'xfs',
    });
  });

  test('is not found in what is no list of mounts', () => {
    expect(mountOf('/data', 'nothing of use\n\n')).toBeUndefined();
  });
});

describe('On this machine', () => {
  test('a folder is judged by what it leads to, also before it is made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
    await symlink(folder, join(folder, 'link'));
    const expected = await judgeStorage(folder, {});
    expect(await judgeStorage(join(folder, 'link', 'not', 'yet'), {})).toEqual(expected);
    expect(['disk', 'volume', 'ephemeral', 'unknown']).toContain(expected.durable);
    await rm(folder, { recursive: true });
    expect(expected.warning === null).toBe(['disk', 'volume'].includes(expected.durable));
  });

  test('there is some room left, and none is told where there is no folder', async () => {
    expect(await freeBytes(tmpdir())).toBeGreaterThan(0);
    await expect(freeBytes('/not/here')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
