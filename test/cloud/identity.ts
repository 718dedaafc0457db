import { randomBytes } from 'node:crypto';
import { hexId } from './exchange.ts';

export type Domain = { id: string; name: string };
export type Project = { id: string; name: string; domain: Domain };
export type User = { id: string; name: string; domain: Domain; password: string };
export type Trust = { id: string; trustor: User; trustee: User; project: Project; roles: readonly string[] };

/** A credential that replaces a user's password within one project. */
export type ApplicationCredential = {
  id: string;
  name: string;
  secret: string;
  user: User;
  project: Project;
};

export type Token = {
  id: string;
  /** The acting user: with a trust, the trustor, as Keystone impersonates. */
  user: User;
  project: Project | undefined;
  roles: readonly string[];
  trust: Trust | undefined;
  issuedAt: number;
  expiresAt: number;
};

export type Scope =
  | { kind: 'none' }
  | { kind: 'trust'; id: string }
  | { kind: 'project'; id: string }
  | { kind: 'project-name'; name: string; domain: string };

/** A login or token that Keystone rejects: 401, or 403 for a trust whose trustor lost a role. */
export type Refusal = { refused: 401 | 403 };

export type Identity = ReturnType<typeof createIdentity>;

/** Users, their rights in projects, and valid tokens. */
export function createIdentity({ now, tokenLifetimeMs }: { now: () => number; tokenLifetimeMs: number }) {
  const users = new Map<string, User>();
  const projects = new Map<string, Project>();
  const trusts = new Map<string, Trust>();
  const tokens = new Map<string, Token>();
  const credentials: ApplicationCredential[] = [];
  /** Role names by user and project. */
  const grants = new Map<string, readonly string[]>();
  const grantKey = (user: User, project: Project): string => `${user.id} ${project.id}`;
  const rolesOf = (user: User, project: Project): readonly string[] =>
    grants.get(grantKey(user, project)) ?? [];

  const issue = (
    user: User,
    project: Project | undefined,
    roles: readonly string[],
    trust?: Trust,
  ): Token => {
    const issuedAt = Math.floor(now() / 1000) * 1000;
    const id = `gAAAAAB${randomBytes(120).toString('base64url')}`;
    const token = { id, user, project, roles, trust, issuedAt, expiresAt: issuedAt + tokenLifetimeMs };
    tokens.set(id, token);
    return token;
  };

  const scoped = (user: User, project: Project | undefined): Token | Refusal => {
    const roles = project ? rolesOf(user, project) : [];
    return roles.length > 0 ? issue(user, project, roles) : { refused: 401 };
  };

  const projectNamed = (wanted: string, within: string): Project | undefined =>
    [...projects.values()].find(
      ({ name, domain }) => name === wanted && [domain.id, domain.name].includes(within),
    );

  const holds = ({ trustor, project, roles }: Trust): boolean =>
    roles.every((role) => rolesOf(trustor, project).includes(role));

  const trusted = (trustee: User, trust: Trust | undefined): Token | Refusal => {
    if (trust?.trustee.id !== trustee.id) return { refused: trust ? 403 : 401 };
    return holds(trust) ? issue(trust.trustor, trust.project, trust.roles, trust) : { refused: 403 };
  };

  /** A token whose trustor has lost a delegated role: Keystone refuses even to check it. */
  const isBroken = ({ trust }: Token): boolean => trust !== undefined && !holds(trust);

  return {
    isBroken,
    addProject: (name: string, domain: Domain): Project => {
      const project = { id: hexId(), name, domain };
      projects.set(project.id, project);
      return project;
    },
    addUser: (name: string, domain: Domain, password: string): User => {
      const user = { id: hexId(), name, domain, password };
      users.set(user.id, user);
      return user;
    },
    /** Replaces the user's roles in the project. */
    grant: (user: User, project: Project, roles: readonly string[]): void => {
      grants.set(grantKey(user, project), roles);
    },
    rolesOf,
    addTrust: (trust: Omit<Trust, 'id'>): Trust => {
      const added = { ...trust, id: hexId() };
      trusts.set(added.id, added);
      return added;
    },
    /** Deletes a trust and, like Keystone, its tokens. */
    deleteTrust: (id: string): void => {
      trusts.delete(id);
      for (const token of tokens.values()) if (token.trust?.id === id) tokens.delete(token.id);
    },
    findUser: (id: string): User | undefined => users.get(id),
    findUserByName: (name: string, domain: string): User | undefined =>
      [...users.values()].find(
        (user) => user.name === name && [user.domain.id, user.domain.name].includes(domain),
      ),
    login: (user: User | undefined, password: unknown, scope: Scope): Token | Refusal => {
      if (!user || user.password !== password) return { refused: 401 };
      if (scope.kind === 'none') return issue(user, undefined, []);
      if (scope.kind === 'trust') return trusted(user, trusts.get(scope.id));
      if (scope.kind === 'project') return scoped(user, projects.get(scope.id));
      return scoped(user, projectNamed(scope.name, scope.domain));
    },
    addApplicationCredential: (credential: Omit<ApplicationCredential, 'id'>): ApplicationCredential => {
      const added = { ...credential, id: hexId() };
      credentials.push(added);
      return added;
    },
    /** By id, or by name and owner. */
    loginWithCredential: (
      named: { id: unknown; name: unknown; user: User | undefined },
      secret: unknown,
    ): Token | Refusal => {
      const found = credentials.find(({ id, name, user }) =>
        named.id === undefined ? name === named.name && user.id === named.user?.id : id === named.id,
      );
      return found && found.secret === secret ? scoped(found.user, found.project) : { refused: 401 };
    },
    loginWithToken: (token: Token, scope: Scope): Token | Refusal => {
      const { user } = token;
      const project =
        scope.kind === 'project'
          ? projects.get(scope.id)
          : scope.kind === 'project-name'
            ? projectNamed(scope.name, scope.domain)
            : undefined;
      return scope.kind === 'none' ? issue(user, undefined, []) : scoped(user, project);
    },
    /** Returns a known and valid token. */
    check: (id: string | string[] | undefined): Token | undefined => {
      const token = typeof id === 'string' ? tokens.get(id) : undefined;
      return token && token.expiresAt > now() ? token : undefined;
    },
    revoke: (id: string): void => void tokens.delete(id),
    revokeAll: (): void => tokens.clear(),
  };
}
