import { existsSync } from 'node:fs';
import { readFile, realpath, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { adviceFor } from './advice.ts';
import { isInside, isMountPoint, mountOf, type Mount } from './mountinfo.ts';
import { platformOf, type HostEnv, type Platform } from './platform.ts';

export interface StorageFacts {
  /** Text of /proc/self/mountinfo; null where there is none (macOS, Windows). */
  readonly mountinfo: string | null;
  /** Of DATA_DIR, without symbolic links. */
  readonly realDataDir: string;
  /** `f_type` of statfs(2); null: not known. */
  readonly statfsType: number | null;
  readonly platform: Platform;
  readonly hostEnv: HostEnv;
}

/** Whether what is under DATA_DIR is still there after a deploy, a restart, a new container. */
export interface StorageJudgement {
  readonly durable: 'disk' | 'volume' | 'ephemeral' | 'unknown';
  /** For the operator; may name a folder of the server. */
  readonly reason: string;
  /** What to do about it, for anybody's eyes; null: nothing. */
  readonly warning: string | null;
}

export async function judgeStorage(dataDir: string, hostEnv: HostEnv): Promise<StorageJudgement> {
  const realDataDir = await realFolder(resolve(dataDir));
  return judge({
    mountinfo: await readFile('/proc/self/mountinfo', 'utf8').catch(() => null),
    realDataDir,
    statfsType: await statfs(realDataDir).then(
      ({ type }) => type,
      () => null,
    ),
    platform: platformOf({ hostEnv, fileExists: existsSync, processIds: [process.pid, process.ppid] }),
    hostEnv,
  });
}

export function judge(facts: StorageFacts): StorageJudgement {
  const mount = facts.mountinfo === null ? undefined : mountOf(facts.realDataDir, facts.mountinfo);
  const fileSystem = mount?.fileSystem ?? fileSystems[facts.statfsType ?? 0] ?? 'unknown';
  const [durable, reason] = verdict(facts, mount, fileSystem);

  const lost = durable === 'ephemeral' && 'Uploads here will be lost.';
  const doubtful = durable === 'unknown' && 'Uploads here may be lost.';
  const advice = (lost || doubtful) && adviceFor(facts.platform, facts.hostEnv);
  const parts = [
    lost,
    doubtful,
    halfMounted(facts, durable),
    advice,
    isShared(fileSystem) && noWal(fileSystem),
  ];
  return { durable, reason, warning: parts.filter(Boolean).join(' ') || null };
}

type Verdict = readonly [StorageJudgement['durable'], reason: string];

/**
 * The first rule that fits decides. A file system alone says little: what looks like a disk may be as short-lived as the
 * machine around it (Fly), and what is no mount of its own may be a good disk (any server).
 */
function verdict(facts: StorageFacts, mount: Mount | undefined, fileSystem: string): Verdict {
  const ownMount = mount !== undefined && mount.point !== '/';
  const where = mount === undefined ? 'the disk' : `${fileSystem} on ${mount.point}`;
  return (
    byFileSystem(fileSystem, where, ownMount) ??
    byPlatform(facts, where, ownMount) ??
    byMountedFolder(mount?.root ?? '/', where) ??
    byOwnMount(facts, where, ownMount)
  );
}

function byFileSystem(fileSystem: string, where: string, ownMount: boolean): Verdict | undefined {
  if (inMemory.has(fileSystem)) return ['ephemeral', `${where} is memory`];
  if (isShared(fileSystem) && ownMount) return ['volume', `${where} is a mounted file system`];
  if (!isLayer(fileSystem)) return undefined;
  if (ownMount) return ['unknown', `${where} is a layer on a disk that cannot be seen`];
  return ['ephemeral', 'this is the layer of a container'];
}

function byPlatform({ platform, hostEnv, realDataDir }: StorageFacts, where: string, ownMount: boolean) {
  if (hasNoVolumes.has(platform)) return ['ephemeral', `${platform} keeps no files`] as const;
  if (platform === 'railway') return onRailway(realDataDir, hostEnv.RAILWAY_VOLUME_MOUNT_PATH);
  // what is mounted into a task may have been made for it, and go with it
  if (platform === 'ecs' && ownMount) return ['unknown', `${where} may end with the task`] as const;
  return undefined;
}

/** `root`: the folder that was mounted, as the machine around a container sees it. */
function byMountedFolder(root: string, where: string): Verdict | undefined {
  if (root.includes('kubernetes.io~empty-dir')) return ['ephemeral', `${where} is an emptyDir of the pod`];
  if (!/(^|\/)[0-9a-f]{64}\/_data(\/|$)/.test(root)) return undefined;
  return ['unknown', `${where} is a volume without a name: the next container gets a new one`];
}

function byOwnMount({ platform, mountinfo }: StorageFacts, where: string, ownMount: boolean): Verdict {
  if (ownMount) return ['volume', `${where} is a mount of its own`];
  if (platform === 'plain' || platform === 'systemd') return ['disk', `${where} belongs to this machine`];
  if (mountinfo === null) return ['unknown', 'there is no list of mounts to look into'];
  // a container on btrfs or zfs looks the same as a small virtual machine that stays
  if (platform === 'docker') return ['unknown', `${where} is the root of a container`];
  return ['ephemeral', `this is the root disk, which ${platform} makes anew`];
}

function onRailway(realDataDir: string, volume: string | undefined): Verdict {
  if (!volume) return ['ephemeral', 'the service has no volume'];
  if (!isInside(realDataDir, resolve(volume)))
    return ['ephemeral', `DATA_DIR is outside the volume at ${volume}`];
  return ['volume', `the volume at ${volume}`];
}

/** Only a subfolder was mounted: files without their rows, or rows without their files. */
function halfMounted({ mountinfo, realDataDir }: StorageFacts, durable: string): string | false {
  if (mountinfo === null || durable === 'disk' || durable === 'volume') return false;
  const mounted = ['uploads', 'backups'].filter((name) => isMountPoint(join(realDataDir, name), mountinfo));
  return (
    mounted.length > 0 && `Only ${mounted.join(' and ')} is on a mount: the whole of DATA_DIR must be on one.`
  );
}

/** By `f_type`, for where there is no list of mounts. */
const fileSystems: Readonly<Record<number, string>> = {
  0x1021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x794c7630: 'overlay',
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb3',
  0x65735546: 'fuse',
  0x1021997: '9p',
};
const inMemory = new Set(['tmpfs', 'ramfs', 'devtmpfs']);
const hasNoVolumes = new Set<Platform>(['heroku', 'cloud-run', 'digitalocean']);

function isLayer(fs: string): boolean {
  return ['overlay', 'overlayfs', 'aufs', 'fuse.fuse-overlayfs'].includes(fs);
}

/** Served by another machine or another program, so that memory shared between processes may not be. */
function isShared(fs: string): boolean {
  if (fs.startsWith('fuse.') || fs === 'fuse') return !isLayer(fs);
  return /^(nfs4?|cifs|smb\d?|smbfs|9p|virtiofs|vboxsf|ceph|lustre|afs|fakeowner)$/.test(fs);
}

/** sqlite.org/wal.html: "WAL does not work over a network filesystem". */
function noWal(fs: string): string {
  return `SQLite is not safe on ${fs}: a second process or a lost connection can damage the catalog. Use a local disk.`;
}

/** A folder that is not there yet will be made on the disk of the nearest one that is. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return join(await realFolder(dirname(path)), path.slice(dirname(path).length));
  }
}
