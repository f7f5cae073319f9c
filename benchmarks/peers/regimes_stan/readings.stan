// Tone, spasms and dose changes: what is read at a visit, and how a belief meets it.

// What a fault lets through too little of the dose, on its log, and the variance of it.
array[] vector losses(vector g) {
  vector[11] loss = rep_vector(0, 11);
  vector[11] spread = rep_vector(1e-16, 11);
  loss[CATHETER_SEVERE()] = g[LOSS_SEVERE()];
  loss[PUMP()] = g[LOSS_PUMP()];
  spread[CATHETER_SEVERE()] += g[LOSS_SEVERE_VAR()];
  spread[PUMP()] += g[LOSS_PUMP_VAR()];
  return {loss, spread};
}

// Density of a reading that says nothing.
real wild_density(real x) {
  return x >= 0 && x <= SCALE_POINTS() ? OUTLIER_DENSITY() : OFF_SCALE_DENSITY();
}

// Density of a change of the log dose that follows no rule.
real any_change() {
  return (1 - UNRULED_NOT_CHANGED()) / (2 * WIDEST_CHANGE());
}

// What makes a Gaussian density of the reading the chance of leaving the dose alone.
real scale_of_still(vector g) {
  return g[STILL()] * sqrt(2 * pi() * g[STILL_VAR()]);
}

// Log-probability of a decision on the dose given the reading written down.
real habit(vector g, vector own, real ashworth, real change) {
  real excess = ashworth - own[OWN_GOAL()];
  real still = g[STILL()] * exp(-0.5 * square(excess) / g[STILL_VAR()]);
  if (change == 0) {
    return log((1 - g[UNRULED()]) * still + g[UNRULED()] * UNRULED_NOT_CHANGED());
  }
  return log((1 - g[UNRULED()]) * (1 - still)
               * gaussian_one(change, g[GAIN()] * excess, g[DOSE_VAR()])
             + g[UNRULED()] * any_change());
}

// The tone of a visit: mean, variance, covariances with requirement and offset. The response to the
// Gaussian gap between requirement and dose is taken at three points.
array[] vector visit_tone(vector g, real untreated, array[] vector belief, real effective,
                          array[] vector loss) {
  // The share that a fault lets through differs from visit to visit.
  vector[11] spread = belief[4] + loss[2];
  vector[11] gap = belief[2] - effective + loss[1];
  vector[11] away = sqrt(3 * spread);
  vector[11] low = untreated * inv(1 + (untreated - 1) * exp(-g[HILL()] * (gap - away)));
  vector[11] middle = untreated * inv(1 + (untreated - 1) * exp(-g[HILL()] * gap));
  vector[11] high = untreated * inv(1 + (untreated - 1) * exp(-g[HILL()] * (gap + away)));
  vector[11] expected = (low + 4 * middle + high) / 6;
  vector[11] slope = 0.5 * (high - low) ./ away;
  vector[11] around = (square(low - expected) + 4 * square(middle - expected)
                       + square(high - expected)) / 6;
  expected[TRIGGER()] += g[TRIGGER_TONE()];
  around[TRIGGER()] += g[TRIGGER_TONE_VAR()];
  return {expected, around, slope .* belief[4], slope .* belief[5]};
}

// Weight of each state after a change of dose whose reading is not known. That it was changed at
// all is weighed at the reading as it is known once the change is.
vector changed(vector g, vector own, array[] vector seen, real answered) {
  real answer_var = g[DOSE_VAR()] / square(g[GAIN()]);
  vector[11] prior = seen[2] + own[OWN_TONE_VAR()];
  vector[11] known_var = inv(inv(prior) + 1 / answer_var);
  vector[11] known = known_var .* (seen[1] ./ prior + answered / answer_var);
  vector[11] left_alone = scale_of_still(g)
                          * gaussian(own[OWN_GOAL()], known, known_var + g[STILL_VAR()]);
  return (1 - g[OUTLIER()]) / g[GAIN()]
         * gaussian(answered, seen[1], prior + answer_var) .* (1 - left_alone)
         + g[OUTLIER()] * any_change();
}

// Update a belief by tone and spasms of one visit. A dose change whose reading was not written down
// stands for it.
array[] vector meet(vector g, vector own, array[] vector before, row_vector x, array[] int there,
                    int bolus, array[] vector loss) {
  int scored = there[COL_ASHWORTH()];
  int decided = there[COL_DOSE_CHANGE()];
  int spasms = there[COL_PENN()];
  array[6] vector[11] belief = before;
  if (scored + decided + spasms == 0) {
    return belief;
  }
  real effective = x[COL_LOG_DOSE()] + bolus * g[BOLUS_POTENCY()];
  array[4] vector[11] seen = visit_tone(g, own[OWN_UNTREATED()], belief, effective, loss);

  if (scored + decided > 0) {
    real change = x[COL_DOSE_CHANGE()];
    real lost = scored * LOST_SHARE();
    real noise = own[OWN_TONE_VAR()];
    real reading;
    real wild;
    if (scored) {
      reading = x[COL_ASHWORTH()];
      wild = wild_density(reading);
    } else if (change == 0) {
      reading = own[OWN_GOAL()];
      noise += g[STILL_VAR()];
      wild = UNRULED_NOT_CHANGED() / scale_of_still(g);
    } else {
      reading = own[OWN_GOAL()] + change / g[GAIN()];
      noise += g[DOSE_VAR()] / square(g[GAIN()]);
      wild = g[GAIN()] * any_change();
    }
    vector[11] variance = seen[2] + noise;
    vector[11] excess = reading - seen[1];
    vector[11] fits = (1 - g[OUTLIER()]) * gaussian(reading, seen[1], variance);
    vector[11] total = fits + g[OUTLIER()] * wild;
    vector[11] fit = fits ./ total;
    belief = told(belief, fit, excess, variance, seen[3], seen[4], lost, x[COL_LOG_DOSE()]);
    if (scored) {
      belief[1] = before[1] .* total;
    } else if (change == 0) {
      belief[1] = scale_of_still(g) * (before[1] .* total);
    } else {
      belief[1] = before[1] .* changed(g, own, seen, reading);
    }
    if (spasms) {
      seen = told_tone(seen, before, fit, excess, variance, belief[2] - before[2],
                       belief[3] - before[3], lost);
    }
  }
  if (spasms) {
    real penn = x[COL_PENN()];
    real beta = g[PENN_SLOPE()];
    vector[11] on_need = beta * seen[3] + belief[5];
    vector[11] on_spasm = beta * seen[4] + belief[6];
    vector[11] variance = square(beta) * seen[2] + beta * seen[4] + on_spasm + g[PENN_VAR()];
    vector[11] expected = g[PENN_INTERCEPT()] + beta * seen[1] + belief[3];
    vector[11] fits = (1 - g[OUTLIER()]) * gaussian(penn, expected, variance);
    vector[11] total = fits + g[OUTLIER()] * wild_density(penn);
    belief = told(belief, fits ./ total, penn - expected, variance, on_need, on_spasm, 0, 0);
    belief[1] = belief[1] .* total;
  }
  return belief;
}
