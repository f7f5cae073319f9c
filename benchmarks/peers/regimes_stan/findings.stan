// What each state says of tests, refills, scores, labels and of nothing confirmed.

// Rates at which tolerance, progression and a trigger are written down.
array[] vector labels(vector g) {
  vector[11] tolerance = rep_vector(g[TOLERANCE_LABEL_FALSE()], 11);
  vector[11] progression = rep_vector(g[PROGRESSION_LABEL_FALSE()], 11);
  vector[11] triggered = rep_vector(g[TRIGGER_LABEL_FALSE()], 11);
  for (s in TOLERANCE_RISING():TOLERANCE_SETTLED()) {
    tolerance[s] = g[TOLERANCE_LABEL()];
  }
  for (s in CATHETER_LEAKING():CATHETER_COMPENSATED()) {
    tolerance[s] = g[TOLERANCE_LABEL_LEAK()];
  }
  progression[PROGRESSION()] = g[PROGRESSION_LABEL()];
  triggered[TRIGGER()] = g[TRIGGER_LABEL()];
  return {tolerance, progression, triggered};
}

// Log-probability that something was, or was not, noted since the visit before.
vector noted(int written, vector rate, real dt) {
  return written ? log1m_exp(-rate * fmax(dt, SHORTEST_YEARS())) : -rate * dt;
}

// Log-probability of a test's result (1 positive, 0 negative) when states first to last make it
// positive with one chance and the others with another.
vector test(int result, real chance, real otherwise, int first, int last) {
  real fault = result == 1 ? log(chance) : log1m(chance);
  vector[11] found = rep_vector(result == 1 ? log(otherwise) : log1m(otherwise), 11);
  for (s in first:last) {
    found[s] = fault;
  }
  return found;
}

// Log density of the share that a refill lacked.
real refill(vector g, real share, real count, int pump) {
  real variance = g[REFILL_VAR()] * (1 + 1 / (count + 1)) + pump * g[REFILL_PUMP_VAR()];
  return log((1 - REFILL_WILD_SHARE()) * gaussian_one(share, pump * g[REFILL_PUMP()], variance)
             + REFILL_WILD_SHARE() * REFILL_WILD_DENSITY());
}

// Log-likelihood of all of it in every state.
vector findings(vector g, row_vector x, array[] int there, array[] int code, real dt,
                array[] vector label) {
  vector[11] found = noted(code[CODE_TOLERANCE()], x[COL_EXCLUDED()] * label[1], dt)
                     + noted(code[CODE_PROGRESSION()], label[2], dt)
                     + noted(code[CODE_TRIGGER()], label[3], dt);
  vector[11] work_up = rep_vector(g[WORK_UP()] * x[COL_SEARCH()], 11);
  work_up[CATHETER_SEVERE()] += g[ALARM()];
  work_up[PUMP()] += g[ALARM()];
  found += noted(max(code[CODE_DYE():CODE_ROTOR()]) >= 0, work_up, dt);

  real unfound = found_catheter(g, x) * dt;
  for (s in CATHETER_LEAKING():CATHETER_SEVERE()) {
    found[s] -= unfound;
  }
  found[PUMP()] -= found_pump(g, x) * dt;

  int dye = code[CODE_DYE()];
  int aspiration = code[CODE_ASPIRATION()];
  int rotor = code[CODE_ROTOR()];
  if (dye == 0 || dye == 1) {
    found += test(dye, g[DYE_SENSITIVITY()], g[DYE_FALSE()], CATHETER_LEAKING(),
                  CATHETER_SEVERE());
  }
  if (aspiration == 0 || aspiration == 1) {
    found += test(aspiration, g[BLOCKED_FAULT()], g[BLOCKED_INTACT()], CATHETER_LEAKING(),
                  CATHETER_SEVERE());
  }
  if (rotor == 0 || rotor == 1) {
    found += test(rotor, g[ROTOR_SENSITIVITY()], g[ROTOR_FALSE()], PUMP(), PUMP());
  }
  if (there[COL_REFILL()]) {
    vector[11] of_refill
      = rep_vector(refill(g, x[COL_REFILL()], x[COL_REFILL_COUNT()], 0), 11);
    of_refill[PUMP()] = refill(g, x[COL_REFILL()], x[COL_REFILL_COUNT()], 1);
    found += of_refill;
  }
  if (there[COL_EDSS()]) {
    real years = x[COL_EDSS_YEARS()];
    real sd = sqrt(g[EDSS_VAR()]);
    real rate = g[EDSS_RATE()];
    vector[11] score = rep_vector(normal_lpdf(x[COL_EDSS()] | rate * years, sd), 11);
    score[PROGRESSION()]
      = normal_lpdf(x[COL_EDSS()] | (rate + g[EDSS_PROGRESSION()]) * years, sd);
    found += score;
  }
  return found;
}
