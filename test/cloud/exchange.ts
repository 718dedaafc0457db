import type { IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';

export const SERVICES = ['keystone', 'heat', 'cfn', 'magnum', 'zaqar', 'swift'] as const;
export type Service = (typeof SERVICES)[number];

/** A request with its whole body, as passed to a service's routes. */
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
  /** The reason phrase of the status, if a service has its own. */
  reason?: string;
  headers: Record<string, string>;
  body: string | Buffer;
};

/** Makes a JSON answer; for other bodies (Heat's `null`, HTML pages) there are other builders. */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Makes an identifier of Keystone: a UUID without dashes. It begins with a letter, so that YAML takes it for no number. */
export const hexId = (): string => `a${randomUUID().replaceAll('-', '').slice(1)}`;

/** Parses a JSON object; undefined for anything else: the services treat both kinds of invalid bodies alike. */
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

/** Follows object members; a missing one is undefined. */
export const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);

/** Formats a date like the OpenStack APIs, to the second. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
