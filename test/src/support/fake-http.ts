import type { Http, HttpRequest } from '../../../src/openstack/http.ts';
import { fixture, jsonObject } from './fixtures.ts';
import { isObject } from '../../../src/base/json.ts';

export type Reply = { status: number; headers?: Record<string, string>; text?: string };

/** Returns a captured answer of a real service. */
export function captured(name: string): Reply {
  const { status, headers, body } = jsonObject(fixture(name));
  const pairs = isObject(headers) ? Object.entries(headers) : [];
  return {
    status: Number(status),
    headers: Object.fromEntries(pairs.map(([key, value]) => [key.toLowerCase(), String(value)])),
    text: JSON.stringify(body),
  };
}

/** Makes an http that gives these answers in turn (the last one stays) and records the requests. */
export function fakeHttp(...replies: Reply[]): { http: Http; asked: HttpRequest[] } {
  const asked: HttpRequest[] = [];
  return {
    asked,
    http: async (request) => {
      asked.push(request);
      const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? { status: 500 };
      return await Promise.resolve({ headers: {}, text: '', ...reply });
    },
  };
}
