/** A fault of the YAML parser, without its place, which the message has already, and without advice for programmers. */
export function yamlWords({ code, message }: { code: string; message: string }): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here (---): one file is one document';
  const [first = ''] = message.split('\n');
  return first.replace(/ at line \d+, column \d+:?$/, '');
}
