// A form[data-passkey] asks a device before it is sent: for a new passkey ("create"), or an answer of one ("get").
(() => {
  const forms = [...document.querySelectorAll('[data-passkey]')];
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  if (!able) return forms.forEach(form => form.remove());                      // an old browser: there is the password
  const waiting = new AbortController();                                       // the offer in the email field

  const says = {
    NotAllowedError: kind => kind === 'create' ? 'Nothing was added.' : 'No passkey was used.',
    InvalidStateError: () => 'This device has a passkey for your account already.',
  };
  const ask = (form, how) => {
    const options = JSON.parse(form.dataset.options);
    return form.dataset.passkey === 'create'
      ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options), ...how });
  };
  const send = (form, credential) => {
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  };

  for (const form of forms) {
    const told = form.querySelector('[data-says]');
    form.addEventListener('submit', async event => {
      event.preventDefault();
      waiting.abort();
      told.hidden = true;
      try { send(form, await ask(form)); }
      catch (error) {
        told.textContent = says[error.name]?.(form.dataset.passkey) ?? 'That did not work. Try again, or use your password.';
        told.hidden = false;
      }
    });
    if ('autofill' in form.dataset)
      PublicKeyCredential.isConditionalMediationAvailable?.().then(async offered => {
        if (offered) send(form, await ask(form, { mediation: 'conditional', signal: waiting.signal }));
      }).catch(() => {});                                                      // refused or taken back: nothing to tell
  }
})();
