/** An address without the slashes at its end. A loop: a pattern for that tries again at every slash. */
export function withoutSlash(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}
