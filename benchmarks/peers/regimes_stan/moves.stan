// What happens to a patient between visits and at an operation.

// Probability that one of several competing events comes first.
real competing(real hazard, real total) {
  return total > 0 ? hazard * -expm1(-total) / total : hazard;
}

// Cumulative hazard at an age, given and told as shares of those at the reference age.
real weibull(real age, real shape) {
  return age > 0 ? pow(age, shape) : 0.0;
}

// Transition matrix of the years dt before a visit. An intact device fails first, the fault being
// chosen in proportion to the hazards; if it holds, the requirement moves.
// exposed: years of the catheter early and late, of tolerance early and late;
// pump_age: of the pump, at the beginning and at the end.
matrix transitions(vector g, vector own, real dt, row_vector exposed, row_vector pump_age) {
  matrix[11, 11] p = rep_matrix(0, 11, 11);
  real catheter = own[OWN_CATHETER_RATIO()]
                  * (g[CATHETER_FIRST()] * exposed[1] + g[CATHETER_LATER()] * exposed[2]);
  real pump = g[PUMP_HAZARD()]
              * (weibull(pump_age[2], g[PUMP_SHAPE()]) - weibull(pump_age[1], g[PUMP_SHAPE()]));
  real tolerance = g[TOLERANCE_EARLY()] * exposed[3] + g[TOLERANCE_LATE()] * exposed[4];
  real worse = own[OWN_PROGRESSION_ONSET()] * dt;
  real slow = tolerance + worse;
  real fault = catheter + pump;
  real calm = exp(-slow);
  real holds = exp(-fault);

  real both = g[TRIGGER_ONSET()] + g[TRIGGER_END()];
  real flips = -expm1(-both * dt) / both;
  p[STABLE(), STABLE()] = holds * calm * (1 - g[TRIGGER_ONSET()] * flips);
  p[STABLE(), TRIGGER()] = holds * calm * g[TRIGGER_ONSET()] * flips;
  real begins = holds * competing(tolerance, slow);
  p[STABLE(), TOLERANCE_RISING()] = begins * (1 - g[TOLERANCE_SUDDEN()]);
  p[STABLE(), TOLERANCE_SETTLED()] = begins * g[TOLERANCE_SUDDEN()];
  p[STABLE(), PROGRESSION()] = holds * competing(worse, slow);
  p[TRIGGER(), STABLE()] = holds * g[TRIGGER_END()] * flips;
  p[TRIGGER(), TRIGGER()] = holds * (1 - g[TRIGGER_END()] * flips);
  p[TOLERANCE_RISING(), TOLERANCE_RISING()] = holds * exp(-g[TOLERANCE_SETTLE()] * dt);
  p[TOLERANCE_RISING(), TOLERANCE_SETTLED()] = holds * -expm1(-g[TOLERANCE_SETTLE()] * dt);
  p[TOLERANCE_SETTLED(), TOLERANCE_SETTLED()] = holds;
  p[PROGRESSION(), PROGRESSION()] = holds * exp(-g[PROGRESSION_END()] * dt);
  p[PROGRESSION(), STABLE()] = holds * -expm1(-g[PROGRESSION_END()] * dt);

  real fails = competing(catheter, fault);
  real lesser = fails * (1 - g[SEVERE_SHARE()]);
  real growing = lesser * (1 - g[SUDDEN_SHARE()]);
  row_vector[6] faults = [growing * (1 - g[CREEP_SHARE()]), growing * g[CREEP_SHARE()],
                          lesser * g[SUDDEN_SHARE()], 0, fails * g[SEVERE_SHARE()],
                          competing(pump, fault)];
  for (s in STABLE():PROGRESSION()) {
    p[s, CATHETER_LEAKING():PUMP()] = faults;
  }
  real grows = exp(-g[LEAK_SETTLES()] * dt);
  real settles = -expm1(-g[LEAK_SETTLES()] * dt);
  for (s in CATHETER_LEAKING():CATHETER_PARTIAL()) {
    p[s, s] = grows;
    p[s, CATHETER_COMPENSATED()] = settles;
  }
  for (s in CATHETER_COMPENSATED():PUMP()) {
    p[s, s] = 1;
  }
  return p;
}

// Mean of what the requirement of each state gains in a year, besides the patient's own drift.
vector rates(vector g) {
  vector[11] rate = rep_vector(0, 11);
  rate[TOLERANCE_RISING()] = g[TOLERANCE_RATE()];
  rate[PROGRESSION()] = g[PROGRESSION_RATE()];
  rate[CATHETER_LEAKING()] = g[LEAK_RATE()];
  rate[CATHETER_CREEPING()] = g[CREEP_RATE()];
  return rate;
}

// The variance of it.
vector rate_vars(vector g) {
  vector[11] spread = rep_vector(g[WANDER_VAR()], 11);
  spread[TOLERANCE_RISING()] += g[TOLERANCE_VAR()];
  spread[PROGRESSION()] += g[PROGRESSION_VAR()];
  spread[CATHETER_LEAKING()] += g[LEAK_VAR()];
  spread[CATHETER_CREEPING()] += g[CREEP_VAR()];
  return spread;
}

// Rates per year at which faults of catheter and pump are found.
real found_catheter(vector g, row_vector x) {
  return g[FOUND_CATHETER()] * x[COL_SEARCH()] + g[FOUND_TESTED()] * x[COL_CATHETER_TESTED()];
}

real found_pump(vector g, row_vector x) {
  return g[FOUND_PUMP()] + g[FOUND_TESTED()] * x[COL_PUMP_TESTED()];
}

// Weights of the moves of an action, named by its bit; 1, 2 and 3: a fault was confirmed.
matrix action_moves(vector g, int action, row_vector x, real dt) {
  matrix[11, 11] p = identity_matrix(11);
  if (action <= 3) {
    // Findings already hold the chance that a fault was not found: the weight is the odds.
    real years = fmax(dt, SHORTEST_YEARS());
    p = rep_matrix(0, 11, 11);
    if (action != 2) {
      p[CATHETER_LEAKING():CATHETER_SEVERE(), STABLE()]
        = rep_vector(expm1(found_catheter(g, x) * years), 5);
    }
    if (action != 1) {
      p[PUMP(), STABLE()] = expm1(found_pump(g, x) * years);
    }
    return p;
  }
  if (action == 4 || action == 16) {
    for (s in CATHETER_LEAKING():CATHETER_SEVERE()) {
      p[s, s] = 0;
      p[s, STABLE()] = action == 4 ? g[MISSED()] : 1.0;
    }
  }
  if (action == 8 || action == 16) {
    p[PUMP(), PUMP()] = 0;
    p[PUMP(), STABLE()] = 1;
  }
  if (action == 32) {
    for (s in TOLERANCE_RISING():TOLERANCE_SETTLED()) {
      p[s, s] = 0;
      p[s, STABLE()] = 1;
    }
  }
  return p;
}

// Mean and variance of what the requirement gains by an action in each state that it finds.
array[] vector action_gains(vector g, int action) {
  vector[11] gain = rep_vector(0, 11);
  vector[11] spread = rep_vector(0, 11);
  if (action == 1 || action == 3 || action == 4) {
    // What a leak seemed to add to the requirement goes with it.
    for (s in CATHETER_LEAKING():CATHETER_COMPENSATED()) {
      gain[s] = -(s == CATHETER_CREEPING() ? g[CREEP_DROP()] : g[LEAK_DROP()]);
      spread[s] = g[LEAK_DROP_VAR()];
    }
  } else if (action == 16) {
    spread = rep_vector(g[RESET_VAR()], 11);
  } else if (action == 32) {
    for (s in TOLERANCE_RISING():TOLERANCE_SETTLED()) {
      gain[s] = -g[RESET_DROP()];
      spread[s] = g[RESET_VAR()];
    }
  }
  return {gain, spread};
}
