/** `text` replaces a JSON body. */
export type Answer = {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string;
};

/** The object of a request: `deployments.apps "web"`. */
export type Resource = { group: string; kind: string; name?: string };

/** meta/v1 Status */
export const failure = (
  code: number,
  reason: string,
  message: string,
  details?: unknown,
  metadata: Record<string, string> = {},
): Answer => ({
  status: code,
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: 'Failure',
    message,
    reason,
    ...(details !== undefined && { details }),
    code,
  },
});

const inWords = ({ group, kind, name }: Resource): string =>
  `${kind}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` "${name}"`}`;

const detailsOf = ({ group, kind, name }: Resource) => ({
  ...(name !== undefined && { name }),
  ...(group !== '' && { group }),
  kind,
});

export const notFound = (resource: Resource): Answer =>
  failure(404, 'NotFound', `${inWords(resource)} not found`, detailsOf(resource));

export const noSuchResource = (): Answer =>
  failure(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: Resource): Answer =>
  failure(409, 'AlreadyExists', `${inWords(resource)} already exists`, detailsOf(resource));

export const conflict = (resource: Resource): Answer =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${inWords(resource)}: the object has been modified; please apply your changes to the latest version and try again`,
    detailsOf(resource),
  );

/** Of a Secret or a config map (validation.ValidateSecretUpdate). */
export function immutable(resource: Resource): Answer {
  const why = 'Forbidden: field is immutable when `immutable` is set';
  const kind = resource.kind === 'secrets' ? 'Secret' : 'ConfigMap';
  return failure(422, 'Invalid', `${kind} "${resource.name ?? ''}" is invalid: data: ${why}`, {
    ...detailsOf(resource),
    kind,
  });
}

export function withoutVersion(resource: Resource): Answer {
  const why = 'Invalid value: 0x0: must be specified for an update';
  const field = 'metadata.resourceVersion';
  const causes = [{ reason: 'FieldValueInvalid', message: why, field }];
  const message = `${inWords(resource)} is invalid: ${field}: ${why}`;
  return failure(422, 'Invalid', message, { ...detailsOf(resource), causes });
}

export function forbidden(
  user: string,
  verb: string,
  resource: Resource,
  namespace: string | undefined,
): Answer {
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const may = `cannot ${verb} resource "${resource.kind}" in API group "${resource.group}" ${where}`;
  const message = `${inWords(resource)} is forbidden: User "${user}" ${may}`;
  return failure(403, 'Forbidden', message, detailsOf(resource));
}

/** The message of the admission plugin NodeRestriction, wrapped by the patch handler. */
export const otherNode = (own: string, resource: Resource): Answer =>
  failure(
    403,
    'Forbidden',
    `${inWords(resource)} is forbidden: node "${own}" is not allowed to modify node "${resource.name ?? ''}"`,
    detailsOf(resource),
  );

export const wrongMediaType = (): Answer =>
  failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});

const EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** @param token to continue nevertheless */
export const expired = (token: string): Answer =>
  failure(410, 'Expired', EXPIRED, undefined, { continue: token });

/** The API server's answer to an unknown token. */
export const unauthorized = (): Answer => failure(401, 'Unauthorized', 'Unauthorized');
