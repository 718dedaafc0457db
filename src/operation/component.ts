import * as v from 'valibot';
import type { Deployment } from '../deployment/deployment.ts';

/** The `config` of a deployment of group `component`: for each action, what is to be run with which tool. */
const Component = v.object({
  configs: v.nullish(
    v.array(v.object({ actions: v.array(v.string()), tool: v.string(), config: v.unknown() })),
    [],
  ),
});

/**
 * The part of a component that an action asks for, as a deployment of its tool's group.
 *
 * @returns undefined when nothing is asked for this action; text: why the component cannot be understood
 */
export function partOf(component: Deployment): Deployment | undefined | string {
  const parsed = v.safeParse(Component, component.raw['config']);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return `config.${v.getDotPath(issue) ?? ''}: ${issue.message}`;
  }
  const part = parsed.output.configs?.find(({ actions }) => actions.includes(component.action));
  if (!part) return undefined;
  const { tool: group, config } = part;
  return { ...component, group, raw: { ...component.raw, group, config } };
}
