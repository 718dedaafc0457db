import * as v from 'valibot';
import { CredentialsWhere } from './schemas/credentials-where.ts';
import { Certs, Doctor, Fleet, Plan, Status } from './schemas/looking.ts';
import { Problem } from './schemas/parts.ts';
import {
  ClusterConfig,
  Credentials,
  MakeCert,
  Migrate,
  Restart,
  Revoke,
  Rollback,
  Repair,
  RotationOrders,
  RunOnce,
  UnitPaths,
} from './schemas/writing.ts';

/**
 * Schemas of each verb's output with `--json`, besides `version`. A verb that fails writes `error` instead. They
 * provide the types of the verbs, docs/schema/ for programs that read the output, and checks for the tests.
 */
export const ANSWERS = {
  'run-once': RunOnce,
  plan: Plan,
  status: Status,
  certs: Certs,
  fleet: Fleet,
  'make-cert': MakeCert,
  'cluster-config': ClusterConfig,
  doctor: Doctor,
  restart: Restart,
  revoke: Revoke,
  credentials: Credentials,
  'credentials-where': CredentialsWhere,
  migrate: Migrate,
  repair: Repair,
  rollback: Rollback,
  rotation: RotationOrders,
  'unit-paths': UnitPaths,
  error: v.object({ error: v.object({ ...Problem.entries, kind: v.string() }) }),
} as const;

export type AnswerName = keyof typeof ANSWERS;

export const isAnswerName = (name: string): name is AnswerName => Object.hasOwn(ANSWERS, name);

/** The input of the serializer. It omits fields without a value. */
export type Answer<Name extends AnswerName> = Loose<v.InferInput<(typeof ANSWERS)[Name]>>;

type Loose<T> = T extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Loose<T[Key]> }
    : T;
