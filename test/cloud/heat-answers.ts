import { json, type Answer } from './exchange.ts';

const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.';

const explanations = {
  400: ['Bad Request', MALFORMED],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', MALFORMED],
} as const;

/** Makes an error in the format of Heat's fault middleware. */
export function heatError(code: keyof typeof explanations, type: string, message: string): Answer {
  const [title, explanation] = explanations[code];
  return json(code, { code, title, explanation, error: { type, traceback: null, message } });
}

export const noStack = (name: string): Answer =>
  heatError(404, 'EntityNotFound', `The Stack (${name}) could not be found.`);

export const noResource = (name: string, stack: string): Answer =>
  heatError(404, 'ResourceNotFound', `The Resource (${name}) could not be found in Stack ${stack}.`);

export const notYours = (what: string): Answer =>
  heatError(403, 'Forbidden', `You are not authorized to use ${what}.`);

/** The answer of Heat and Magnum if Keystone's middleware finds no valid token. */
export const unauthorized = (keystone: string): Answer =>
  json(
    401,
    {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    },
    { 'WWW-Authenticate': `Keystone uri="${keystone}"` },
  );

/** The answer if Keystone itself refuses to check the token, as for a trust whose trustor lost a role. */
export const keystoneUnavailable = (): Answer => ({
  status: 503,
  headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
  body: '503 Service Unavailable\n\nThe server is currently unavailable. Please try again at a later time.\n\n The Keystone service is temporarily unavailable.  ',
});

export const plainNotFound = (): Answer => ({
  status: 404,
  headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
  body: '404 Not Found\n\nThe resource could not be found.\n\n   ',
});

/** Makes an error of the CloudFormation API. */
export const cfnError = (status: number, code: string, message: string): Answer => ({
  status,
  reason: code,
  headers: { 'Content-Type': 'application/xml; charset=UTF-8' },
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

export const cfnDenied = (detail = ''): Answer =>
  cfnError(403, 'AccessDenied', `User is not authorized to perform action${detail}`);
