import type { Answer, Request } from './exchange.ts';
import { cfnDenied, cfnError } from './heat-answers.ts';
import { metadataOf } from './metadata.ts';
import { isPresigned } from './presigned.ts';
import type { Stack } from './stack.ts';
import type { Server } from './stack-resource.ts';

/** DescribeStackResource, called by a server with its own key, for its own resource only. */
export function describeResource(request: Request, stacks: readonly Stack[]): Answer {
  const { query } = request;
  if (!query.has('Signature'))
    return cfnError(400, 'IncompleteSignature', 'The request signature does not conform to AWS standards');
  const [server, itsStack] = ownerOf(query.get('AWSAccessKeyId'), stacks);
  if (!server || !itsStack || !isPresigned(request, server.pollingKey, itsStack.around.now()))
    return cfnDenied();
  const [action, stackName] = [query.get('Action'), query.get('StackName') ?? ''];
  if (action !== 'DescribeStackResource')
    return cfnError(400, 'InvalidAction', 'The action or operation requested is invalid');
  if (stackName !== itsStack.around.stackName)
    return cfnError(
      400,
      'InvalidParameterValue',
      `A bad or out-of-range value was supplied:The Stack (${stackName}) could not be found.`,
    );
  if (query.get('LogicalResourceId') !== server.name)
    return cfnDenied(':You are not authorized to use this action.');
  return described(itsStack, server);
}

function ownerOf(
  access: string | null,
  stacks: readonly Stack[],
): readonly [Server, Stack] | readonly [undefined, undefined] {
  for (const stack of stacks)
    for (const server of stack.servers.values())
      if (server.pollingKey.access === access) return [server, stack];
  return [undefined, undefined];
}

/** In XML, the metadata is JSON in a text; non-ASCII characters are character references. */
function described(stack: Stack, server: Server): Answer {
  const fields = {
    Description: '',
    LogicalResourceId: server.name,
    Metadata: JSON.stringify(metadataOf(stack, server)),
    PhysicalResourceId: server.id,
    ResourceStatusReason: 'state changed',
    ResourceType: 'OS::Heat::DeployedServer',
    StackName: stack.around.stackName,
    ResourceStatus: 'CREATE_COMPLETE',
  };
  const detail = Object.entries(fields).map(([name, value]) => `<${name}>${escaped(value)}</${name}>`);
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml; charset=UTF-8' },
    body: `<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>${detail.join('')}</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`,
  };
}

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[^\x20-\x7e\n\t]/gu, (character) => `&#${character.codePointAt(0) ?? 0};`);
