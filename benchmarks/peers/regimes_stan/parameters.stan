// From what is estimated to what the filter takes.

// A parameter of the filter from one that is estimated.
real by_rule(real value, int rule) {
  if (rule == 1) {
    return value;
  } else if (rule == 2) {
    return square(value);
  } else if (rule == 3) {
    return square(value) + 1.0 / 12;  // the rounding of whole points
  } else if (rule == 4) {
    return square(value) + 2 * square(0.5) / 12;  // the rounding of two scores in half points
  } else if (rule == 5) {
    return inv(value);
  } else if (rule == 6) {
    return -value;
  }
  return -log1m(value);  // the cumulative hazard of a probability
}

// Parameters of all patients; where no value is the source of one, a fixed number stands for it.
vector population(vector value, array[] int source, array[] int rule, vector fixed) {
  vector[size(source)] g;
  for (k in 1:size(source)) {
    g[k] = source[k] == 0 ? fixed[k] : by_rule(value[source[k]], rule[k]);
  }
  // Spreads of a pace or a step are told as shares of it.
  g[LEAK_VAR()] *= square(g[LEAK_RATE()]);
  g[TOLERANCE_VAR()] *= square(g[TOLERANCE_RATE()]);
  g[TOLERANCE_STEP_VAR()] *= square(g[TOLERANCE_STEP()]);
  g[PROGRESSION_VAR()] *= square(g[PROGRESSION_RATE()]);
  g[CREEP_VAR()] *= square(g[CREEP_RATE()]);
  return g;
}
