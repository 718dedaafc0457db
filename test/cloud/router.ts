import type { Answer, Request } from './exchange.ts';

export type Params = Record<string, string>;

export type Route = {
  method: string;
  /** Matched against the whole path, with named groups. */
  path: RegExp;
  handle: (request: Request, params: Params) => Answer | Promise<Answer>;
};

/** A service's answers to unknown paths and methods. */
export type Strays = { unknownPath(request: Request): Answer; wrongMethod(request: Request): Answer };

export type Handler = (request: Request) => Promise<Answer>;

/** Passes a request to the first matching route; the groups of its path are percent-decoded. */
export function createRouter(routes: readonly Route[], strays: Strays): Handler {
  return async (request) => {
    const fitting = routes.filter((route) => route.path.test(request.path));
    const route = fitting.find(({ method }) => method === request.method);
    if (!route) return fitting.length > 0 ? strays.wrongMethod(request) : strays.unknownPath(request);
    const groups = route.path.exec(request.path)?.groups ?? {};
    const params = Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    return await route.handle(request, params);
  };
}
