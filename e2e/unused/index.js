"use strict";

// This package answers every name with a function that throws when it is called. It does not throw earlier, because
// Azurite loads the packages that it replaces, and extends their classes, even if it does not use them.
module.exports = new Proxy({}, {
  get: (_, name) => function () {
    throw new Error(`"${String(name)}" is missing: Azurite uses a package that e2e/package.json replaces by e2e/unused; ` +
      "remove that package from \"dependencies\" and \"overrides\" there, and run npm install in e2e");
  },
});
