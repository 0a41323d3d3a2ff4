import type { HostEnv, Platform } from './platform.ts';

/** What to do on this very host about a disk that does not keep uploads. Names no folder: anyone may read it. */
export function adviceFor(platform: Platform, hostEnv: HostEnv): string {
  if (platform === 'railway' && hostEnv.RAILWAY_VOLUME_MOUNT_PATH) {
    return 'Set DATA_DIR to ${{RAILWAY_VOLUME_MOUNT_PATH}}: of this service only the volume survives a deploy.';
  }
  return advice[platform];
}

const advice: Readonly<Record<Platform, string>> = {
  railway: 'Attach a volume to this service with the mount path /data, and set DATA_DIR=/data.',
  fly:
    'Add [[mounts]] with source = "holdfast_data" and destination = "/data" to fly.toml, set DATA_DIR=/data, and ' +
    'deploy with --ha=false.',
  render: 'Add a disk with the mount path /data (a paid plan is needed), and set DATA_DIR=/data.',
  heroku:
    'A dyno loses its files at every restart, at least once a day, and Heroku has no volumes: run Holdfast on a ' +
    'host that has them.',
  'cloud-run':
    'Cloud Run keeps files in memory and has no volume that is fit for SQLite: run Holdfast on a host with volumes.',
  digitalocean:
    'App Platform has no volumes: run Holdfast on a Droplet or on another host where it can have a disk of its own.',
  ecs:
    'A task on Fargate has no disk that is fit for SQLite and outlives it: run on EC2 instances with a volume or ' +
    'a folder of the instance mounted at /data, and set DATA_DIR=/data.',
  kubernetes:
    'Mount a PersistentVolumeClaim (not an emptyDir) at /data, best by a StatefulSet with volumeClaimTemplates, and ' +
    'set DATA_DIR=/data.',
  docker: 'Start the container with a named volume: -v holdfast_data:/data -e DATA_DIR=/data.',
  systemd: 'Set DATA_DIR to a folder on a disk that stays; StateDirectory=holdfast makes /var/lib/holdfast.',
  plain: 'Set DATA_DIR to a folder on a disk that stays, such as /var/lib/holdfast.',
};
