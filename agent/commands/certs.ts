import { EXIT } from '../exit-code.ts';
import { takeInventory } from '../inventory.ts';
import { readNode } from '../node.ts';
import { createTerminal, day, short, table } from '../terminal.ts';
import { openHands, type Verb, writeJson } from '../verb.ts';

/** Every certificate of this node and what is wrong with it. Exit code 1 when anything is. */
export const verb: Verb = async (context) => {
  const hands = await openHands(context, () => undefined);
  try {
    const { layout, chosen, role } = await readNode(hands);
    const holdings = await takeInventory(hands.disk, layout, hands.clock.now());
    const faulty = holdings.some(({ faults }) => faults.length > 0);
    if (context.json) writeJson(context, { layout: chosen.layout.name, role, certificates: holdings });
    else {
      const { line } = createTerminal(context.world.stdout, context.secrets);
      line(`layout ${chosen.layout.name} (${chosen.why}), ${role}`);
      const rows = holdings.map((holding) => [
        holding.file,
        holding.subject ?? '-',
        short(holding.fingerprint),
        day(holding.notAfter),
        holding.faults.join('; ') || 'good',
      ]);
      line(await table(['file', 'subject', 'fingerprint', 'valid until', 'state'], rows));
    }
    return faulty ? EXIT.deploymentFailed : EXIT.done;
  } finally {
    hands.close();
  }
};
