/** A node's user: its trustee, with or without the trust; or a stack-domain user with its project. */
export type NodeLogin = {
  authUrl: string;
  userId: string;
  password: string;
  /** undefined: the token has no project, no roles and no catalogue. */
  scope: { trustId: string } | { projectId: string } | undefined;
  region: string | undefined;
};

/** A user or project, by its id, or by a name that is unique within a domain. */
export type Named = { id: string } | { name: string; domain: Domain };
export type Domain = { id: string } | { name: string };

/** A person's login, from clouds.yaml or an openrc file. */
export type PersonLogin = {
  authUrl: string;
  proof:
    | { method: 'password'; user: Named; password: string }
    | { method: 'token'; token: string }
    | {
        method: 'application_credential';
        credential: { id: string } | { name: string; user: Named };
        secret: string;
      };
  /** undefined: an application credential implies its project. */
  scope: { trustId: string } | { project: Named } | undefined;
  region: string | undefined;
  /** The interface of a service's endpoints to use. */
  side: Side;
};

export type Side = 'public' | 'internal' | 'admin';

export type Login = NodeLogin | PersonLogin;

/**
 * Builds the part `auth` of a token request, https://docs.openstack.org/api-ref/identity/v3/ ; trusts as in OS-TRUST.
 */
export function authOf(login: Login): { identity: unknown; scope?: unknown } {
  const scope = scopeOf(login);
  return { identity: identityOf(login), ...(scope === undefined ? {} : { scope }) };
}

function identityOf(login: Login): unknown {
  if (!('proof' in login))
    return { methods: ['password'], password: { user: { id: login.userId, password: login.password } } };
  const { proof } = login;
  const methods = [proof.method];
  switch (proof.method) {
    case 'password':
      return { methods, password: { user: { ...proof.user, password: proof.password } } };
    case 'token':
      return { methods, token: { id: proof.token } };
    case 'application_credential':
      return { methods, application_credential: { ...proof.credential, secret: proof.secret } };
  }
}

function scopeOf({ scope }: Login): unknown {
  if (!scope) return undefined;
  if ('trustId' in scope) return { 'OS-TRUST:trust': { id: scope.trustId } };
  return { project: 'projectId' in scope ? { id: scope.projectId } : scope.project };
}

/** Describes user and scope of a login for messages; contains no secret. */
export function describeLogin(login: Login): string {
  const scope = describeScope(login);
  return `${describeUser(login)}${scope === undefined ? '' : ` with ${scope}`}`;
}

function describeUser(login: Login): string {
  if (!('proof' in login)) return `user ${login.userId}`;
  const { proof } = login;
  switch (proof.method) {
    case 'password':
      return `user ${nameOf(proof.user)}`;
    case 'token':
      return 'the owner of a token';
    case 'application_credential':
      return `application credential ${'id' in proof.credential ? proof.credential.id : proof.credential.name}`;
  }
}

function describeScope({ scope }: Login): string | undefined {
  if (!scope) return undefined;
  if ('trustId' in scope) return `trust ${scope.trustId}`;
  return `project ${'projectId' in scope ? scope.projectId : nameOf(scope.project)}`;
}

const nameOf = (one: Named): string => ('id' in one ? one.id : one.name);

/** Returns the secret part of a login. */
export function secretOf(login: Login): string {
  if (!('proof' in login)) return login.password;
  const { proof } = login;
  switch (proof.method) {
    case 'password':
      return proof.password;
    case 'token':
      return proof.token;
    case 'application_credential':
      return proof.secret;
  }
}
