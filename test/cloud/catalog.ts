import { hexId } from './exchange.ts';

export type Origins = {
  keystone: string;
  heat: string;
  cfn: string;
  magnum: string;
  zaqar: string;
  swift: string;
  /** Zaqar's websocket: `ws:` or `wss:`. */
  zaqarSocket: string;
};

export const REGION = 'RegionOne';

/** Returns the services of the cloud as a token for this project lists them. */
export function catalog(origins: Origins, projectId: string): unknown[] {
  return [
    entry('identity', 'keystone', `${origins.keystone}/v3`),
    entry('cloudformation', 'heat-cfn', `${origins.cfn}/v1`),
    entry('orchestration', 'heat', `${origins.heat}/v1/${projectId}`),
    entry('container-infra', 'magnum', `${origins.magnum}/v1`),
    entry('messaging', 'zaqar', origins.zaqar),
    entry('messaging-websocket', 'zaqar-websocket', origins.zaqarSocket),
    entry('object-store', 'swift', `${origins.swift}/v1/AUTH_${projectId}`),
  ];
}

const entry = (type: string, name: string, url: string): unknown => ({
  endpoints: ['internal', 'public', 'admin'].map((side) => ({
    id: hexId(),
    interface: side,
    region_id: REGION,
    url,
    region: REGION,
  })),
  id: hexId(),
  type,
  name,
});
