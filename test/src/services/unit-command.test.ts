import { expect, test } from 'vitest';
import { flagsOf, programOf } from '../../../src/services/unit-command.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';

/** Returns the kubelet's arguments in a command line, with these lines of an environment file. */
function argsOf(line: string, file = '', environment = ''): readonly string[] | undefined {
  const shown = `ExecStart={ path=/x ; argv[]=${line} ; ignore_errors=no ; pid=0 }\nEnvironment=${environment}\n`;
  return programOf(settingsOf(shown), [file], ['kubelet'])?.command.args;
}

test.each<[string, string, readonly string[]]>([
  ['directly', '/usr/bin/kubelet --v=3', ['--v=3']],
  ['by a wrapper', '/hyperkube kubelet --v=3', ['--v=3']],
  ['by env', '/usr/bin/env A=1 kubelet --v=3', ['--v=3']],
  [
    'in a container',
    '/usr/bin/podman run --name kubelet --privileged --volume /var/lib/kubelet x/hyperkube:v1 kubelet --v=3',
    ['--v=3'],
  ],
  ['as the entry point', 'docker run --rm --entrypoint=/usr/bin/kubelet x/kubelet:v1 --v=3', ['--v=3']],
  ['from a shell', '/bin/bash -c source /etc/x; exec /usr/bin/kubelet --v=3 # really', ['--v=3']],
  ['from a shell with options', '/bin/sh -e -xc kubelet --v=3 && true', ['--v=3']],
])('finds a program that is started %s', (_, line, args) => {
  expect(argsOf(line)).toEqual(args);
});

test.each(['/usr/bin/podman run --name kubelet x/hyperkube:v1 kube-proxy', '/usr/bin/true kubelet', ''])(
  'finds no program in %j',
  (line) => {
    expect(argsOf(line)).toBeUndefined();
  },
);

/** Each line ran as the ExecStart= of a unit with /bin/echo; systemd 252 and bash 5.2 printed the words. */
test.each<[string, string, readonly string[]]>([
  ['a whole word becomes several words', 'kubelet $ARGS', ['--a=1', '--b', 'x y']],
  ['braces keep the value as one word', 'kubelet ${ARGS}', ['--a=1 --b "x y"']],
  ['a name inside a word stays', 'kubelet --x=$ONE', ['--x=$ONE']],
  ['two dollars become one', 'kubelet --x=$$ONE', ['--x=$ONE']],
  ['an unset variable becomes empty', 'kubelet $NONE --x=${NONE}', ['--x=']],
])('expands like systemd: %s', (_, line, args) => {
  expect(argsOf(line, 'ONE=1\nARGS=\'--a=1 --b "x y"\'\n')).toEqual(args);
});

test.each<[string, string, readonly string[]]>([
  ['splits a value at its blanks', '$ARGS', ['--a=1', '--b', '2']],
  ['joins adjacent parts', 'x${ONE}y$ARGS', ['x1y--a=1', '--b', '2']],
  ['keeps a quoted value whole', '"$ARGS"', ['--a=1  --b 2']],
  ['uses a default for an empty value', '${EMPTY:-${ONE}}z ${EMPTY-d}z', ['1z', 'z']],
  ['uses another value for a set one', '${ONE:+--one}', ['--one']],
  ['expands nothing in single quotes', "'$ONE'", ['$ONE']],
])('expands like a shell: %s', (_, text, args) => {
  expect(argsOf(`/bin/bash -c kubelet ${text}`, 'ONE=1\nEMPTY=\nARGS="--a=1  --b 2"\n')).toEqual(args);
});

test.each(['$(cat /etc/flags)', '`cat /etc/flags`', '${ARGS%x}', "'open"])(
  'does not expand what only a shell can: %s',
  (text) => {
    expect(argsOf(`/bin/bash -c kubelet ${text}`)).toBeUndefined();
  },
);

test('lets an environment file override Environment=', () => {
  expect(argsOf('kubelet $A $B', 'A=file\n', 'A=unit "B=x y"')).toEqual(['file', 'x', 'y']);
});

test('passes a container only its given environment', () => {
  const line = 'podman run -e A --env B=2 -d image etcd';
  const settings = settingsOf(
    `ExecStart={ path=/x ; argv[]=${line} ; ignore_errors=no }\nEnvironment=A=1 C=3\n`,
  );
  expect(programOf(settings, [], ['etcd'])?.command.environment).toEqual(
    new Map([
      ['A', '1'],
      ['B', '2'],
    ]),
  );
});

test('lets the last of repeated flags win, however written', () => {
  expect(
    flagsOf([
      '--cluster_dns=a',
      '--address',
      '10.0.0.5',
      '--address=10.0.0.6',
      '-v',
      '--leader-elect',
      '--x',
    ]),
  ).toEqual(
    new Map([
      ['cluster-dns', 'a'],
      ['address', '10.0.0.6'],
      ['v', ''],
      ['leader-elect', ''],
      ['x', ''],
    ]),
  );
});
