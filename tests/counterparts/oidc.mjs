// A real authorization server (oidc-provider) for the tests of oauth2: `node oidc.mjs <port>`; JWKS: the public keys of the client `keyed`.
import { errors, Provider } from "oidc-provider";
import { BEARER, details, EXCHANGE, grants } from "./oidc_grants.mjs";

const [port] = process.argv.slice(2);
const JWT = "https://jwt.example";
const machine = { authorization_details_types: ["payment"], grant_types: ["client_credentials"], response_types: [], redirect_uris: [] };
const jwks = JSON.parse(process.env.JWKS);
const bearer = { grant_types: [BEARER], response_types: [], redirect_uris: [] };
const info = (_, resource) => ({ scope: "read write", audience: resource, accessTokenTTL: 600, accessTokenFormat: resource === JWT ? "jwt" : "opaque" });
const people = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], redirect_uris: ["http://127.0.0.1/consent/back"] };

const server = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...machine, client_id: "acme", client_secret: "s3cret: with +odd% &characters", token_endpoint_auth_method: "client_secret_basic" },
    { ...machine, client_id: "posts", client_secret: "s3cret", token_endpoint_auth_method: "client_secret_post" },
    { ...machine, client_id: "brief", client_secret: "s3cret", token_endpoint_auth_method: "client_secret_basic" },
    { ...machine, client_id: "keyed", token_endpoint_auth_method: "private_key_jwt", jwks },
    { ...bearer, client_id: "bearer", token_endpoint_auth_method: "private_key_jwt", jwks },
    { ...bearer, client_id: "bare", token_endpoint_auth_method: "none" },
    { ...machine, grant_types: ["client_credentials", EXCHANGE], client_id: "exchanger", client_secret: "s3cret" },
    { ...bearer, grant_types: [EXCHANGE], client_id: "signer", token_endpoint_auth_method: "none" },
    { ...bearer, client_id: "pair", client_secret: "s3cret", token_endpoint_auth_method: "client_secret_basic" },
    { ...people, client_id: "people", client_secret: "s3cret", token_endpoint_auth_method: "client_secret_basic", application_type: "native" },
    { client_id: "device", client_secret: "s3cret", grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      response_types: [], redirect_uris: [] },
  ],
  scopes: ["read", "write", "offline_access"],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  extraTokenClaims: (_, token) => token.who,
  ttl: { ClientCredentials: (_, token, client) => (client.clientId === "brief" ? 3 : 600), AccessToken: 600, RefreshToken: 86400 },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    // Of payments more than a thousand is refused.
    richAuthorizationRequests: {
      enabled: true,
      types: { payment: { validate: (_, one) => { if (!(one.amount <= 1000)) throw new errors.InvalidAuthorizationDetails("amount"); } } },
      authorizationDetailsForGrantSource: (_, source) => source.rar,
      authorizationDetailsForAccessToken: details,
      authorizationDetailsForIntrospection: (_, token) => token.rar,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: info,
    },
  },
});
grants(server, jwks, info);
// Whoever tests listens at a port of its own.
server.Client.prototype.redirectUriAllowed = (uri) => uri.startsWith("http://127.0.0.1:") && uri.endsWith("/consent/back");
server.listen(Number(port), "127.0.0.1");
