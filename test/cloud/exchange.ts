import type { IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';

export const SERVICES = ['keystone', 'heat', 'cfn', 'magnum', 'zaqar', 'swift'] as const;
export type Service = (typeof SERVICES)[number];

/** A request with its whole body, as a service's routes see it. */
export type Request = {
  service: Service;
  method: string;
  /** Still percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
};

export type Answer = {
  status: number;
  /** The words behind the status, where a service has its own. */
  reason?: string;
  headers: Record<string, string>;
  body: string | Buffer;
};

/** A JSON answer; a string is sent as it is (Heat's `null`, HTML pages and so on have their own builders). */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** The identifiers of Keystone: a UUID without its dashes. */
export const hexId = (): string => randomUUID().replaceAll('-', '');

/** A JSON object, or undefined for anything else: the services treat both kinds of rubbish alike. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Follows object members; anything that is not there is undefined. */
export const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);

/** Dates as the OpenStack APIs write them, to the second. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
