import { expect, test } from 'vitest';
import { signedUrl } from '../../../src/openstack/ec2-signature.ts';

// As python-keystoneclient 5.0.1, which the predecessor uses, signs the same requests.
test.each([
  [
    'http://127.0.0.1:8000/v1/',
    { StackName: 'm1', LogicalResourceId: 'cfn_node' },
    { id: 'bb410738824644b68eb847a4e291752b', secret: '81zv0Ed0^WKV%@vy7IeRh8k03#PKLCWJ' },
    'qZwkbbG8N/XHpdEn1aLPKL3CsxBJfQ0lCE4OQEvT2xw=',
  ],
  [
    'https://Heat.example.org:443/v1/',
    { StackName: "a !'()*+~/&=é", LogicalResourceId: 'x y' },
    { id: 'key', secret: 'sécret' },
    'JVjhIy+KNBSNz/VGOGrYKefhGAfa5BkK4FOWA7rBNHE=',
  ],
])('signs a request like the predecessor: %s %o', (url, params, key, signature) => {
  const address = new URL(signedUrl(new URL(url), { Action: 'DescribeStackResource', ...params }, key));
  expect(address.searchParams.get('Signature')).toBe(signature);
  expect(Object.fromEntries(address.searchParams)).toEqual({
    Action: 'DescribeStackResource',
    ...params,
    AWSAccessKeyId: key.id,
    SignatureMethod: 'HmacSHA256',
    SignatureVersion: '2',
    Signature: signature,
  });
  expect(address.href).not.toContain(key.secret);
});
