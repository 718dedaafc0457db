/** Removes trailing slashes. Uses a loop: a regular expression would retry at every slash. */
export function withoutSlash(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}
