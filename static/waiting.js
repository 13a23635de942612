// A page that waits for a link to be opened elsewhere asks now and then whether it was, while somebody looks at it.
(() => {
  const { asks } = document.currentScript.dataset;
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(asks, { headers: { 'X-Refresh': '1' } }).catch(() => null);
    if (answer?.status === 200) location.assign((await answer.json()).to);
    if (answer?.status === 404) clearInterval(timer);                          // it waits for nothing any more
  };
  const timer = setInterval(ask, 2000);
  document.addEventListener('visibilitychange', ask);
})();
