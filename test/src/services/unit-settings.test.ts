import { expect, test } from 'vitest';
import { settingsOf } from '../../../src/services/unit-settings.ts';

/** `systemctl show --property=ExecStart,Environment,EnvironmentFiles`, systemd 252. */
const SHOWN = [
  'ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c exec kubelet ; true $ARGS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
  'ExecStart={ path=/usr/bin/second ; argv[]=/usr/bin/second ; ignore_errors=yes ; start_time=[n/a] }',
  'Environment=A=1 "B=two words"',
  'EnvironmentFiles=/etc/kubernetes/config (ignore_errors=yes)',
  'EnvironmentFiles=/etc/with space/kubelet (ignore_errors=no)',
  'EnvironmentFiles=/etc/bare',
].join('\n');

test('reads each command line, the environment and its files', () => {
  expect(settingsOf(SHOWN)).toEqual({
    text: SHOWN.split('\n').slice(0, 3).join('\n'),
    commandLines: ['/bin/sh -c exec kubelet ; true $ARGS', '/usr/bin/second'],
    environment: 'A=1 "B=two words"',
    environmentFiles: ['/etc/kubernetes/config', '/etc/with space/kubelet', '/etc/bare'],
  });
});

test('a unit without a command has no settings', () => {
  expect(settingsOf('ExecStart=\nEnvironment=\n')).toMatchObject({
    commandLines: [],
    environment: '',
    environmentFiles: [],
  });
});
