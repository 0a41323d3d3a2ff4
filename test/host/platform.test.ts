import { expect, test } from '@jest/globals';
import { isPublicHost, platformOf, type HostEnv, type Platform } from '../../src/host/platform.ts';

function platform(hostEnv: HostEnv, files: string[] = [], processIds: number[] = []): Platform {
  return platformOf({ hostEnv, fileExists: (path) => files.includes(path), processIds });
}

test.each<[Platform, HostEnv]>([
  ['railway', { RAILWAY_PROJECT_ID: 'p', RAILWAY_VOLUME_MOUNT_PATH: '/data' }],
  ['fly', { FLY_MACHINE_ID: '9080e6f3a12345' }],
  ['render', { RENDER: 'true' }],
  ['heroku', { DYNO: 'web.1' }],
  ['cloud-run', { K_SERVICE: 'holdfast' }],
  ['cloud-run', { CLOUD_RUN_JOB: 'holdfast' }],
  ['ecs', { ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/x' }],
  ['ecs', { AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE' }],
  ['digitalocean', { DIGITALOCEAN_APP_ID: 'a' }],
  ['kubernetes', { KUBERNETES_SERVICE_HOST: '10.96.0.1' }],
  ['kubernetes', { KUBERNETES_SERVICE_HOST: '10.96.0.1', K_SERVICE: 'a Knative service' }],
  ['systemd', { STATE_DIRECTORY: '/var/lib/holdfast' }],
  ['plain', { AWS_EXECUTION_ENV: 'CloudShell' }],
  ['plain', {}],
])('%s is known by %j', (expected, hostEnv) => {
  expect(platform(hostEnv)).toBe(expected);
});

test('a container is known by the file its engine makes, after the hosts that run on containers', () => {
  expect(platform({}, ['/.dockerenv'])).toBe('docker');
  expect(platform({}, ['/run/.containerenv'])).toBe('docker');
  expect(platform({ RENDER: 'true' }, ['/.dockerenv'])).toBe('render');
});

test('a service of systemd is the process that systemd started, or its child, not a shell further down', () => {
  expect(platform({ SYSTEMD_EXEC_PID: '812' }, [], [812, 1])).toBe('systemd');
  expect(platform({ SYSTEMD_EXEC_PID: '812' }, [], [813, 812])).toBe('systemd');
  expect(platform({ SYSTEMD_EXEC_PID: '812' }, [], [4001, 4000])).toBe('plain');
});

test('hosts that strangers reach are public', () => {
  expect(isPublicHost('kubernetes')).toBe(true);
  expect(isPublicHost('docker')).toBe(false);
});
