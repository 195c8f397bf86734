/* Shows the gateway's own API description. A key that is typed in stays in this page and is gone with it. */

/** Each route answers to several methods, for clients of several ages: the newest one's is enough to read. */
const byPreference = ['get', 'delete', 'patch', 'put', 'post'];

/** @param {{ paths: Record<string, Record<string, unknown>> }} description */
function oneMethodEach(description) {
  for (const [path, operations] of Object.entries(description.paths)) {
    const method = byPreference.find((name) => name in operations);
    if (method !== undefined) description.paths[path] = { [method]: operations[method] };
  }
  return description;
}

const answer = await fetch('/openapi.json');
window.SwaggerUIBundle({
  spec: oneMethodEach(await answer.json()),
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // Asks swagger.io what it thinks of the description, unless told not to.
  validatorUrl: null,
});
