import { AgentError } from '../base/errors.ts';
import { type Deployment, secretsOf } from './deployment.ts';

/** Limits per pass: each secret is stored in many forms while its deployment exists. */
const MOST = 2000;
const MOST_CHARACTERS = 512 * 1024;

/**
 * Returns the deployments. One with too many secrets to redact gets a fault and loses its inputs, so it is answered but
 * not run.
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
    `deployment ${deployment.id}: its secret inputs and those of the other deployments exceed ${MOST} values or ${MOST_CHARACTERS / 1024} KiB, too many to redact`,
  ),
});
