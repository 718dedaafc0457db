import { AgentError } from '../base/errors.ts';
import { type Deployment, secretsOf } from './deployment.ts';

/** Each secret is kept in many forms for as long as its deployment is there; these are what one pass may bring. */
const MOST = 2000;
const MOST_CHARACTERS = 512 * 1024;

/**
 * The same deployments; one with more secrets than can be kept out of what is shown has a fault, and no inputs any more.
 * So it is answered, and not done.
 */
export function boundSecrets(deployments: readonly Deployment[]): Deployment[] {
  let values = 0;
  let characters = 0;
  return deployments.map((deployment) => {
    const secrets = secretsOf(deployment);
    const length = secrets.reduce((sum, secret) => sum + secret.length, 0);
    if (values + secrets.length > MOST || characters + length > MOST_CHARACTERS) return faulty(deployment);
    values += secrets.length;
    characters += length;
    return deployment;
  });
}

const faulty = (deployment: Deployment): Deployment => ({
  ...deployment,
  inputs: {},
  raw: {},
  fault: new AgentError(
    'bad-deployment',
    `deployment ${deployment.id}: its secret inputs, with those of the others, are more than ${MOST} values or ${MOST_CHARACTERS / 1024} KiB, too many to be kept out of logs and answers`,
  ),
});
