/** Where Holdfast runs, as far as it matters for its disk and its keys. */
export type Platform =
  | 'railway'
  | 'fly'
  | 'render'
  | 'heroku'
  | 'cloud-run'
  | 'ecs'
  | 'digitalocean'
  | 'kubernetes'
  | 'docker'
  | 'systemd'
  | 'plain';

/** The variables of hosts that this folder reads: config.ts picks these, and nothing else, from the environment. */
export const hostVariables = [
  'RAILWAY_PROJECT_ID',
  'RAILWAY_ENVIRONMENT_ID',
  'RAILWAY_SERVICE_ID',
  'RAILWAY_VOLUME_MOUNT_PATH',
  'FLY_MACHINE_ID',
  'FLY_ALLOC_ID',
  'RENDER',
  'DYNO',
  'K_SERVICE',
  'CLOUD_RUN_JOB',
  'ECS_CONTAINER_METADATA_URI_V4',
  'AWS_EXECUTION_ENV',
  'DIGITALOCEAN_APP_ID', // not given by the host: .do/app.yaml binds it
  'KUBERNETES_SERVICE_HOST',
  'STATE_DIRECTORY',
  'SYSTEMD_EXEC_PID',
] as const;

export type HostEnv = Readonly<Partial<Record<(typeof hostVariables)[number], string>>>;

export interface Signs {
  readonly hostEnv: HostEnv;
  readonly fileExists: (path: string) => boolean;
  /** This process and its parent: bin/holdfast.mjs may stand between systemd and us. */
  readonly processIds: readonly number[];
}

export function platformOf({ hostEnv: env, fileExists, processIds }: Signs): Platform {
  if (env.RAILWAY_PROJECT_ID || env.RAILWAY_ENVIRONMENT_ID || env.RAILWAY_SERVICE_ID) return 'railway';
  if (env.FLY_MACHINE_ID || env.FLY_ALLOC_ID) return 'fly';
  if (env.RENDER) return 'render';
  if (env.DYNO) return 'heroku';
  // Knative sets K_SERVICE too, in a Kubernetes pod
  if (env.CLOUD_RUN_JOB || (env.K_SERVICE && !env.KUBERNETES_SERVICE_HOST)) return 'cloud-run';
  if (env.ECS_CONTAINER_METADATA_URI_V4 || env.AWS_EXECUTION_ENV?.startsWith('AWS_ECS_')) return 'ecs';
  if (env.DIGITALOCEAN_APP_ID) return 'digitalocean';
  if (env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (fileExists('/.dockerenv') || fileExists('/run/.containerenv')) return 'docker';
  return isSystemdService(env, processIds) ? 'systemd' : 'plain';
}

/** A terminal of a desktop is started by systemd too and hands INVOCATION_ID on, so that one proves nothing. */
function isSystemdService(env: HostEnv, processIds: readonly number[]): boolean {
  return Boolean(env.STATE_DIRECTORY) || processIds.includes(Number(env.SYSTEMD_EXEC_PID));
}

/** Hosts that strangers can reach: there, keys are required whatever NODE_ENV says. */
export function isPublicHost(platform: Platform): boolean {
  return !['docker', 'systemd', 'plain'].includes(platform);
}
