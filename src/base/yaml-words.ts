/**
 * Returns a YAML parser error without its position, which the message already has, and without advice for programmers.
 */
export function yamlWords({ code, message }: { code: string; message: string }): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here (---): one file is one document';
  const [first = ''] = message.split('\n');
  return first.replace(/ at line \d+, column \d+:?$/, '');
}
