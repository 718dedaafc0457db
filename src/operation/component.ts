import * as v from 'valibot';
import { describeIssues } from '../base/issue.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** The `config` of a deployment of group `component`: what to run with which tool, for each action. */
const Component = v.object({
  configs: v.nullish(
    v.array(v.object({ actions: v.array(v.string()), tool: v.string(), config: v.unknown() })),
    [],
  ),
});

/**
 * Returns the part of a component for an action, as a deployment of its tool's group.
 *
 * @returns undefined if the component has nothing for this action
 */
export function partOf(component: Deployment): Deployment | RefuseOperation | undefined {
  const { config: whole } = component.raw;
  // valibot accepts a list as an object.
  if (Array.isArray(whole)) return malformed('config: expected a map, found a list');
  const parsed = v.safeParse(Component, whole);
  if (!parsed.success) return malformed(describeIssues(parsed.issues, 'config'));
  const part = parsed.output.configs?.find(({ actions }) => actions.includes(component.action));
  if (!part) return undefined;
  const { tool: group, config } = part;
  return { ...component, group, raw: { ...component.raw, group, config } };
}

const malformed = (why: string): RefuseOperation => refuse('component-malformed', why);
