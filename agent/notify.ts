import type { Log } from '../src/base/log.ts';
import { explain } from '../src/base/errors.ts';

/** What systemd (Type=notify) is told; nothing where no systemd asks for it. */
export type Notify = {
  /** The first pass is complete: whoever is ordered after this unit may start. */
  ready(): Promise<void>;
  /** The line that `systemctl status` shows; told only when it changes, because each telling is a process. */
  status(text: string): Promise<void>;
};

export function createNotify(env: NodeJS.ProcessEnv, log: Log): Notify {
  let last = '';
  const tell = async (what: { ready?: true; status?: string }): Promise<void> => {
    if (!env['NOTIFY_SOCKET']) return;
    try {
      const { default: notify } = await import('systemd-notify');
      await notify(what);
    } catch (error) {
      log.warn({ why: explain(error) }, 'systemd could not be told');
    }
  };
  return {
    ready: async () => {
      await tell({ ready: true });
    },
    status: async (text) => {
      if (text === last) return;
      last = text;
      await tell({ status: text });
    },
  };
}
