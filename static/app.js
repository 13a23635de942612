// What signed-in pages need beyond htmx: a busy mark, focus that is never lost, dialogs, live updates.
// Every page works without it.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const byId = id => document.getElementById(id);
  const element = target => typeof target === 'string' ? one(target) : target;
  const tab = crypto.getRandomValues(new Uint32Array(2)).join('-');           // tells our own changes from others'

  // 1. Busy: the pressed button and the region that will change. Never `disabled`, which drops focus to <body>.
  const busy = new WeakMap();
  document.addEventListener('htmx:config:request', ({ detail: { ctx } }) => { ctx.request.headers['X-Tab'] = tab; });
  document.addEventListener('htmx:before:request', ({ detail: { ctx } }) => {
    const source = ctx.sourceElement, target = element(ctx.target), focused = document.activeElement;
    if (source.matches('[data-refresh], .region')) {                                    // the page's own doing: quiet, moves no focus
      if (!one('dialog[open]')) opener = focused === document.body ? null : focused;
      return;
    }
    const button = source.matches('form[method=post]') ? ctx.request.submitter ?? one('button:not([type=button])', source)
      : source.matches('.btn') ? source : null;
    const marked = [button, target?.closest('.region')].filter(Boolean);
    marked.forEach(mark => mark.setAttribute('aria-busy', 'true'));
    busy.set(ctx, marked);
    if (!source.closest('dialog')) opener = source.contains(focused) ? focused : source;
  });
  document.addEventListener('htmx:finally:request', ({ detail: { ctx } }) => {
    busy.get(ctx)?.forEach(mark => mark.removeAttribute('aria-busy'));
  });

  // A part that looks again by itself: while the server is away it says nothing and goes on, a refusal is its last word.
  const quieten = ctx => {
    if (ctx.response.status >= 500) ctx.hx.reswap = 'none';
    else if (ctx.response.status >= 400) ctx.sourceElement.remove();
  };

  // 2. Focus: the server says where, with `autofocus`; htmx keeps it on the same id. Where both fail it goes to what
  //    opened the dialog or sent the request, by id, for that may have been swapped as well; and last to the heading.
  let opener = null;
  const refocus = () => {
    if (document.activeElement && document.activeElement !== document.body) return;
    if (!opener) return;
    const again = opener.isConnected ? opener : opener.id && byId(opener.id);
    const place = again || one('main [autofocus]') || one('main h1') || one('main');
    if (place.matches('h1, main')) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  };

  // The title says that something is wrong, as the page's own does.
  const retitle = () => {
    const title = document.title.replace(/^Error: /, '');
    document.title = one('main .summary, dialog .summary') ? 'Error: ' + title : title;
  };

  // 3. Dialogs come as fragments into #slot, open themselves, and go when they close. A POST inside one that succeeded
  //    and changed something outside it closes it. The page behind is inert, so what went wrong shows in the dialog: the
  //    form with its errors takes the dialog's place, and notes and toasts go to its own notices.
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
    const dialog = ctx.sourceElement.closest('dialog');
    if (ctx.sourceElement.matches('[data-refresh]')) quieten(ctx);
    if (!dialog || ctx.response.status < 400) return;
    if (['#notices', '#toasts'].includes(ctx.hx.retarget)) ctx.hx.retarget = one('.notices', dialog);
    else ctx.hx.retarget = byId('slot');
    ctx.hx.reswap = 'innerHTML';
  });
  document.addEventListener('htmx:after:swap', ({ detail: { ctx } }) => {
    const fresh = one('dialog[data-open]:not([open])');
    const around = ctx.sourceElement?.closest('dialog');
    const done = ctx.request.method === 'POST' && ctx.response?.status < 300 && !around?.contains(element(ctx.target));
    if (fresh) fresh.showModal();
    else if (around && done) around.close();
    retitle();
    setTimeout(refocus);
  });
  document.addEventListener('close', event => {
    if (event.target.closest('#slot')) { event.target.remove(); retitle(); refocus(); }
  }, true);
  document.addEventListener('click', event => {
    const dialog = event.target.closest('[data-close]')?.closest('dialog');
    if (dialog) { event.preventDefault(); dialog.close(); }
  });

  // 4. What never reached the server is told where the reader is.
  document.addEventListener('htmx:error', ({ detail: { ctx, error } }) => {
    if (error?.name !== 'AbortError' && !ctx?.sourceElement?.matches('[data-refresh]')) (one('dialog[open] .notices') ?? byId('toasts')).append(byId('unreachable').content.cloneNode(true));
  });

  // A refusal: somebody lowered one's role meanwhile. The list fetches itself again, without what one may no longer do;
  // a list that one may no longer see is emptied.
  document.addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
    const region = one('main .region');
    if (!region || ctx.response.status !== 403) return;
    if (ctx.sourceElement === region) region.replaceChildren();
    else htmx.ajax('GET', location.pathname + location.search, { source: region, target: region, swap: 'outerMorph' });
  });

  // 5. Live: one stream for the visible page. Its events carry topics only; each region fetches itself again.
  const url = one('meta[name=live]')?.content;
  if (!url) return;
  let stream, connected = false, lost, retry, wait = 1000;
  const fire = (name, detail) => document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  const show = (id, shown) => { byId(id).hidden = !shown; };

  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(url);
    stream.onopen = () => {
      clearTimeout(lost);
      lost = null;
      wait = 1000;
      show('offline', false);
      if (connected) fire('live.resync');                                     // catch up on what was missed
      connected = true;
    };
    stream.addEventListener('change', event => {
      const change = JSON.parse(event.data);
      if (change.tab !== tab) setTimeout(fire, Math.random() * 250, 'live.' + change.topic, change);
    });
    stream.addEventListener('bye', ended);
    stream.onerror = async () => {
      lost ??= setTimeout(show, 5000, 'offline', true);
      if (stream?.readyState !== EventSource.CLOSED) return;                  // a blip: the browser tries again itself
      close();
      const answer = await fetch(url + '?probe=1').catch(() => null);         // why did the server refuse?
      if (answer && [401, 404].includes(answer.status)) return ended();
      retry = setTimeout(open, wait + Math.random() * wait);
      wait = Math.min(wait * 2, 30000);
    };
  };
  const close = () => { clearTimeout(retry); stream?.close(); stream = null; };
  const ended = () => { close(); clearTimeout(lost); show('offline', false); show('signedout', true); };

  // Browsers allow six connections to a host: a tab that nobody looks at gives its own back after a while.
  document.addEventListener('visibilitychange', () => document.hidden ? setTimeout(() => document.hidden && close(), 15000) : open());
  addEventListener('online', () => { close(); open(); });
  addEventListener('pagehide', close);
  addEventListener('pageshow', event => { if (event.persisted) open(); });
  open();
})();
