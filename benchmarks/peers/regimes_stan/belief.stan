// The belief of the filter: eleven Gaussians in two dimensions, six vectors over states:
// probability, requirement, spasm offset, variance of the one, covariance, variance of the other.

// Before the first visit: stable, but nothing is impossible.
array[] vector start(vector g, real log_dose) {
  vector[11] probability = rep_vector(START_ELSEWHERE(), 11);
  probability[STABLE()] = 1 - 10 * START_ELSEWHERE();
  return {probability, rep_vector(log_dose + g[START_GAP()], 11), rep_vector(0, 11),
          rep_vector(g[START_VAR()], 11), rep_vector(0, 11),
          rep_vector(g[PENN_PATIENT_VAR()], 11)};
}

// Move along p[from, to]; every mixture becomes the Gaussian of equal moments. Some moves add to
// the requirement: those of jump_from to jump_to, by Gaussians. Requirements are reckoned from
// `about`, a number near them, so that squares lose no digits.
array[] vector mix(array[] vector belief, matrix p, array[] int jump_from, array[] int jump_to,
                   vector jump, vector jump_var, real about) {
  vector[11] prob = belief[1];
  vector[11] need = belief[2] - about;
  vector[11] spasm = belief[3];
  matrix[6, 11] moments = [prob', (prob .* need)', (prob .* spasm)',
                           (prob .* (belief[4] + square(need)))',
                           (prob .* (belief[5] + need .* spasm))',
                           (prob .* (belief[6] + square(spasm)))'];
  matrix[6, 11] sums = moments * p;
  for (k in 1:size(jump_from)) {
    int s = jump_from[k];
    int u = jump_to[k];
    real moved = prob[s] * p[s, u];
    sums[2, u] += moved * jump[k];
    sums[4, u] += moved * (jump_var[k] + jump[k] * (2 * need[s] + jump[k]));
    sums[5, u] += moved * jump[k] * spasm[s];
  }
  vector[11] held = sums[1]';
  for (s in 1:11) {
    if (held[s] == 0) {
      held[s] = 1;
    }
  }
  vector[11] new_need = sums[2]' ./ held;
  vector[11] new_spasm = sums[3]' ./ held;
  return {sums[1]', new_need + about, new_spasm,
          sums[4]' ./ held - square(new_need),
          sums[5]' ./ held - new_need .* new_spasm,
          sums[6]' ./ held - square(new_spasm)};
}

// Gaussian density of one value under each of several Gaussians.
vector gaussian(real x, vector expected, vector variance) {
  return exp(-0.5 * square(x - expected) ./ variance) ./ sqrt(2 * pi() * variance);
}

// The same of single numbers.
real gaussian_one(real x, real expected, real variance) {
  return exp(-0.5 * square(x - expected) / variance) / sqrt(2 * pi() * variance);
}

// Meet a reading that fits with a probability and else says nothing; keep two moments. Of those
// that say nothing a share `lost` puts the requirement `about` a value. Given are what the reading
// exceeds its expectation by, its variance, and its covariances with requirement and offset.
// Probabilities stay as they were.
array[] vector told(array[] vector belief, vector fit, vector excess, vector variance,
                    vector on_need, vector on_spasm, real lost, real about) {
  vector[11] gain = on_need ./ variance;
  vector[11] spasm_gain = on_spasm ./ variance;
  vector[11] step = gain .* excess;
  vector[11] aside = spasm_gain .* excess;
  vector[11] shift = fit .* step;
  vector[11] side = fit .* aside;
  vector[11] need_var = belief[4] + fit .* (square(step) - gain .* on_need);
  vector[11] both = belief[5] + fit .* (step .* aside - gain .* on_spasm);
  if (lost > 0) {
    vector[11] gone = lost * (1 - fit);
    vector[11] away = about - belief[2];
    shift += gone .* away;
    need_var += gone .* (LOST_VAR() + square(away) - belief[4]);
    both -= gone .* belief[5];
  }
  return {belief[1], belief[2] + shift, belief[3] + side, need_var - square(shift),
          both - shift .* side,
          belief[6] + fit .* (square(aside) - spasm_gain .* on_spasm) - square(side)};
}

// The same of a visit's tone: its mean, variance, and covariances with requirement and offset,
// after a reading of it; `shift` and `side` are what requirement and offset moved by.
array[] vector told_tone(array[] vector seen, array[] vector belief, vector fit, vector excess,
                         vector variance, vector shift, vector side, real lost) {
  vector[11] gain = seen[2] ./ variance;
  vector[11] step = gain .* excess;
  vector[11] moved = fit .* step;
  vector[11] scaled = excess ./ variance;
  vector[11] need_cov = seen[3] + fit .* (seen[3] .* (scaled .* step - gain)) - shift .* moved;
  if (lost > 0) {
    need_cov -= lost * (1 - fit) .* seen[3];
  }
  return {seen[1] + moved,
          seen[2] + fit .* (square(step) - gain .* seen[2]) - square(moved),
          need_cov,
          seen[4] + fit .* (seen[4] .* (scaled .* step - gain)) - side .* moved};
}
