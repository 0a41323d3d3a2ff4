/** One line of /proc/self/mountinfo (proc(5)). */
export interface Mount {
  /** The folder of the mounted file system that is seen here: `/` unless it is a bind mount. */
  readonly root: string;
  readonly point: string;
  readonly fileSystem: string;
}

/** The mount that holds `path`, an absolute path without symbolic links. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mountsIn(mountinfo)) {
    // of two on one point the later hides the earlier
    if (isInside(path, mount.point) && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

export function isMountPoint(path: string, mountinfo: string): boolean {
  return mountsIn(mountinfo).some(({ point }) => point === path);
}

/** Whether `path` is `folder` or below it. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function mountsIn(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const words = line.split(' ');
    const [root, point] = words.slice(3, 5);
    const fileSystem = words[words.indexOf('-', 6) + 1];
    if (root === undefined || point === undefined || fileSystem === undefined) return [];
    return [{ root: decoded(root), point: decoded(point), fileSystem }];
  });
}

/** Space, tab, line end and backslash are written in octal. */
function decoded(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
