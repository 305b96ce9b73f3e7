// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/checks.hpp"

#include <utility>

namespace farewell::doctor {

std::vector<Check> checks() {
    std::vector<Check> all;
    for (const std::span<const Check> part : {daemon_checks(), rule_checks(), host_checks()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

std::vector<Finding> judge(const Facts& facts) {
    std::vector<Finding> findings;
    for (const Check& check : checks()) {
        if (auto finding = check.judge(facts)) {
            finding->id = check.id;
            findings.push_back(std::move(*finding));
        }
    }
    return findings;
}

}  // namespace farewell::doctor
