// The switching filter over the visits of one patient: returns their log-likelihood.
// x, there, code: what was recorded; action, first_action: what was done on the days of visits;
// dt, exposed, pump_age: as transitions take them.
real course(vector g, vector own, int first, int last, matrix x, array[,] int there,
            array[,] int code, array[] int action, array[] int first_action, vector dt,
            matrix exposed, matrix pump_age) {
  array[2] vector[11] loss = losses(g);
  array[3] vector[11] label = labels(g);
  vector[11] rate = own[OWN_DRIFT()] + rates(g);
  vector[11] rate_var = rate_vars(g);
  array[6] int jump_from = {STABLE(), STABLE(), TRIGGER(), TOLERANCE_RISING(),
                            TOLERANCE_SETTLED(), PROGRESSION()};
  array[6] int jump_to = append_array({TOLERANCE_SETTLED()}, rep_array(CATHETER_PARTIAL(), 5));
  vector[6] jump = append_row(g[TOLERANCE_STEP()], rep_vector(g[LEAK_STEP()], 5));
  vector[6] jump_var = append_row(g[TOLERANCE_STEP_VAR()], rep_vector(g[LEAK_STEP_VAR()], 5));
  array[0] int nowhere = rep_array(0, 0);
  vector[0] nothing = rep_vector(0, 0);

  array[6] vector[11] belief = start(g, x[first, COL_LOG_DOSE()]);
  real log_lik = 0;
  for (t in first:last) {
    real about = x[t, COL_LOG_DOSE()];
    matrix[11, 11] p = transitions(g, own, dt[t], exposed[t], pump_age[t]);
    belief = mix(belief, p, jump_from, jump_to, jump, jump_var, about);
    real fading = exp(-(x[t, COL_T()] - dt[t]) / g[TITRATION_YEARS()])
                  - exp(-x[t, COL_T()] / g[TITRATION_YEARS()]);
    belief[2] += rate * dt[t] + g[TITRATION()] * fading;
    belief[4] += rate_var * dt[t] + g[TITRATION_VAR()] * square(fading);

    belief = meet(g, own, belief, x[t], there[t], code[t, CODE_BOLUS()], loss);
    if (there[t, COL_ASHWORTH()] && there[t, COL_DOSE_CHANGE()]) {
      log_lik += habit(g, own, x[t, COL_ASHWORTH()], x[t, COL_DOSE_CHANGE()]);
    }
    vector[11] found = findings(g, x[t], there[t], code[t], dt[t], label);
    real top = max(found);
    vector[11] weight = belief[1] .* exp(found - top);
    real total = sum(weight);
    belief[1] = weight / total;
    log_lik += log(total) + top;

    for (k in first_action[t]:(first_action[t + 1] - 1)) {
      array[2] vector[11] gains = action_gains(g, action[k]);
      belief[2] += gains[1];
      belief[4] += gains[2];
      belief = mix(belief, action_moves(g, action[k], x[t], dt[t]), nowhere, nowhere, nothing,
                   nothing, about);
      total = sum(belief[1]);
      belief[1] /= total;
      log_lik += log(total);
    }
  }
  return log_lik;
}
