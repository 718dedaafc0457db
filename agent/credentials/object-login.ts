import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { JsonText } from '../../src/base/json.ts';
import {
  type Change,
  changeCredentials,
  credentialsIn,
  type CredentialSet,
  formatOf,
  type Left,
} from '../../src/files/credential-file.ts';
import { isTelling } from '../../src/files/credentials.ts';
import { changeValues, credentialNamed } from '../../src/files/credential-values.ts';
import type { CredentialKey } from '../../src/files/credential-grammars.ts';
import type { HeldObject, ObjectChanges } from '../../src/services/kubernetes-objects.ts';

/** The changes to one object. `left` names the keys whose login is not changed, with the reason. */
export type ObjectLogin = { changes: ObjectChanges; left: LeftInObject[] };
export type LeftInObject = { code: Left['code']; key: string };

/** Whether a Secret or config map holds a login, found by its trust or its password. */
export function holdsLogin({ data, lastApplied = '' }: HeldObject, login: Telling): boolean {
  const forms = formsOf(login);
  return [...data.values(), Buffer.from(lastApplied)].some((content) => holdsAny(content, forms));
}

type Telling = { trust: string; password: string };

/** Lists the forms in which a login can occur: plain, as base64, and inside the base64 of a longer text. */
const formsOf = ({ trust, password }: Telling): string[] =>
  [trust, password]
    .filter(isTelling)
    .flatMap((value) => [
      value,
      JSON.stringify(value).slice(1, -1),
      ...[0, 1, 2].map((before) => insideBase64(before, value)),
    ]);

/** Returns the characters of a longer text's base64 that depend on the value alone. */
function insideBase64(before: number, value: string): string {
  const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
  const from = Math.ceil((before * 4) / 3);
  return whole.toString('base64').slice(from, Math.floor((whole.length * 4) / 3));
}

const holdsAny = (content: Buffer, forms: readonly string[]): boolean =>
  forms.some((form) => content.includes(form));

/** Returns the parts of the former login to search for: those that change. */
export const formerOf = ({ old, fresh }: Change): Telling => ({
  trust: old.trust === fresh.trust ? '' : old.trust,
  password: old.password === fresh.password ? '' : old.password,
});

/**
 * Replaces the former login in an object. Replaces values that consist of it, and values inside INI, YAML or shell
 * assignments. Also updates the copy of the object that `kubectl apply` keeps in an annotation.
 */
export function changeObject(object: HeldObject, change: Change): ObjectLogin {
  const { data, left } = changeData(object.data, change);
  const lastApplied = changeLastApplied(object.lastApplied, change);
  const forms = formsOf(formerOf(change));
  for (const [key, before] of object.data) {
    const isTold = left.some((one) => one.key === key);
    if (!isTold && holdsAny(data.get(key) ?? before, forms)) left.push({ code: 'not-understood', key });
  }
  if (holdsAny(Buffer.from(lastApplied ?? object.lastApplied ?? ''), forms) && left.length === 0)
    left.push({ code: 'not-understood', key: 'last-applied-configuration' });
  return { changes: { data, lastApplied }, left };
}

/**
 * Finds the logins of an object. Values that stand alone count if one of them is a trust or a user id. Also finds
 * logins inside INI, YAML or shell assignments.
 */
export function loginsIn({ data }: Pick<HeldObject, 'data'>): Partial<CredentialSet>[] {
  const alone: Partial<Record<CredentialKey, string>> = {};
  const inside: Partial<CredentialSet>[] = [];
  for (const [key, content] of data) {
    const text = content.toString('utf8').trimEnd();
    const named = text.includes('\n') ? undefined : credentialNamed(key);
    const format = named === undefined ? formatOf(content.toString('latin1')) : undefined;
    if (named !== undefined) alone[named] = text;
    else if (format) inside.push(...credentialsIn(content, format));
  }
  return alone.trust === undefined && alone.user === undefined ? inside : [alone, ...inside];
}

function changeData(
  before: ReadonlyMap<string, Buffer>,
  change: Change,
): { data: Map<string, Buffer>; left: LeftInObject[] } {
  const forms = formsOf(formerOf(change));
  const data = new Map<string, Buffer>();
  const left: LeftInObject[] = [];
  const alone = new Map<CredentialKey, { key: string; value: string; end: string }>();
  for (const [key, content] of before) {
    const text = content.toString('utf8');
    const [end = ''] = /\r?\n$/.exec(text) ?? [];
    const value = text.slice(0, text.length - end.length);
    const named = value.includes('\n') ? undefined : credentialNamed(key);
    if (named !== undefined) {
      alone.set(named, { key, value, end });
      continue;
    }
    if (!holdsAny(content, forms)) continue;
    const format = formatOf(content.toString('latin1'));
    if (!format) continue;
    const changed = changeCredentials(content, format, change, false);
    left.push(...changed.left.map(({ code }) => ({ code, key })));
    if (!changed.content.equals(content)) data.set(key, changed.content);
  }
  if ([...alone.values()].some(({ value }) => holdsAny(Buffer.from(value), forms))) {
    const result = changeValues(new Map([...alone].map(([name, { value }]) => [name, value])), change);
    for (const [name, value] of result.changed) {
      const { key = '', end = '' } = alone.get(name) ?? {};
      data.set(key, Buffer.from(value + end));
    }
    left.push(...result.left.map(({ code, of }) => ({ code, key: keyOf(alone, of) })));
  }
  return { data, left };
}

const keyOf = (alone: ReadonlyMap<CredentialKey, { key: string }>, of: string | undefined): string =>
  [...alone].find(([name]) => name === of)?.[1].key ?? [...alone.values()].map(({ key }) => key).join(', ');

const Values = v.nullish(v.record(v.string(), v.string()));
const Applied = v.pipe(
  JsonText,
  v.looseObject({ kind: v.optional(v.string(), ''), data: Values, stringData: Values }),
);

/** Updates the annotation; undefined means no change. */
function changeLastApplied(text: string | undefined, change: Change): string | undefined {
  const parsed = v.safeParse(Applied, text);
  if (text === undefined || !parsed.success) return undefined;
  const applied = parsed.output;
  const encoding = applied.kind === 'Secret' ? 'base64' : 'utf8';
  // Keep the order of the original text.
  const next: Record<string, unknown> = {
    ...v.parse(v.pipe(JsonText, v.record(v.string(), v.unknown())), text),
  };
  if (applied.data) next['data'] = changeTexts(applied.data, encoding, change);
  if (applied.stringData) next['stringData'] = changeTexts(applied.stringData, 'utf8', change);
  const changed = JSON.stringify(next) + (text.endsWith('\n') ? '\n' : '');
  return isDeepStrictEqual(next, applied) ? undefined : changed;
}

function changeTexts(
  before: Readonly<Record<string, string>>,
  encoding: 'base64' | 'utf8',
  change: Change,
): Record<string, string> {
  const contents = Object.entries(before).map(([key, text]) => [key, Buffer.from(text, encoding)] as const);
  const { data } = changeData(new Map(contents), change);
  return { ...before, ...Object.fromEntries([...data].map(([key, one]) => [key, one.toString(encoding)])) };
}
