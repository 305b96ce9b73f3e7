// SPDX-License-Identifier: GPL-2.0-or-later
#include "doctor/ruleset.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace farewell::doctor {
namespace {

using nlohmann::json;

/// Family, table, chain and handle, as the text listing has them.
using Place = std::tuple<std::string, std::string, std::string, std::uint64_t>;
using Texts = std::map<Place, std::string>;

std::string_view trimmed(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

/// The words in front of " {".
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    while (!(line = trimmed(line)).empty() && line.front() != '{') {
        const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

Texts texts_of(std::string_view listing) {
    constexpr std::string_view kHandle = " # handle ";
    Texts texts;
    std::string family;
    std::string table;
    std::string chain;
    while (!listing.empty()) {
        const std::size_t length = std::min(listing.find('\n'), listing.size());
        const std::string_view line = trimmed(listing.substr(0, length));
        listing.remove_prefix(std::min(length + 1, listing.size()));
        const std::size_t mark = line.rfind(kHandle);
        if (line.starts_with("table ") || line.starts_with("chain ")) {
            const auto words = words_of(line);
            if (words.size() == 3 && words[0] == "table") {
                family = words[1];
                table = words[2];
            } else if (words.size() == 2) {
                chain = words[1];
            }
        } else if (mark != std::string_view::npos) {
            const std::string_view number = line.substr(mark + kHandle.size());
            std::uint64_t handle = 0;
            std::from_chars(number.data(), number.data() + number.size(), handle);
            texts[{family, table, chain, handle}] = line.substr(0, mark);
        }
    }
    return texts;
}

bool holds(const json& value, std::string_view word) {
    if (value.is_string()) {
        return value.get<std::string>() == word;
    }
    return (value.is_array() || value.is_object()) &&
           std::ranges::any_of(value, [word](const json& inner) { return holds(inner, word); });
}

std::uint16_t number_of(const json& value) {
    constexpr unsigned kMax = std::numeric_limits<std::uint16_t>::max();
    return value.is_number_unsigned()
               ? static_cast<std::uint16_t>(std::min<std::uint64_t>(value.get<std::uint64_t>(), kMax))
               : std::uint16_t{0};
}

/// `queue`: a number, a range, or an expression that spreads packets over `mod` numbers from `offset` on.
Delivery queue_of(const json& statement) {
    Delivery delivery{.is_queue = true};
    if (!statement.is_object()) {
        return delivery;  // plain `queue` is number 0
    }
    const json number = statement.value("num", json(0));
    if (number.is_object() && number.contains("range")) {
        delivery.first = number_of(number.at("range").at(0));
        delivery.last = number_of(number.at("range").at(1));
    } else if (number.is_object() && !number.empty()) {
        const json& spread = number.begin().value();
        delivery.is_known = spread.is_object() && spread.contains("mod");
        if (delivery.is_known) {
            delivery.first = number_of(spread.value("offset", json(0)));
            delivery.last = static_cast<std::uint16_t>(
                delivery.first + std::max<std::uint16_t>(number_of(spread.at("mod")), 1) - 1);
        }
    } else {
        delivery.first = delivery.last = number_of(number);
    }
    delivery.has_bypass = holds(statement.value("flags", json()), "bypass");
    return delivery;
}

/// A number and perhaps "-" and another, as nft writes them.
void take_numbers(std::string_view text, Delivery& delivery) {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto first = std::from_chars(begin, end, delivery.first);
    delivery.is_known = first.ec == std::errc{};
    delivery.last = delivery.first;
    if (delivery.is_known && first.ptr != end && *first.ptr == '-') {
        std::from_chars(first.ptr + 1, end, delivery.last);
    }
}

/// What a rule of iptables does, by its text: "counter queue num 0-3 bypass", "queue flags bypass to 0-3".
std::optional<Delivery> delivery_in(std::string_view text) {
    const std::size_t queue = text.find("queue ");
    if (queue == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view statement = text.substr(queue);
    Delivery delivery{.is_queue = true};
    const std::size_t digit = statement.find_first_of("0123456789");
    take_numbers(digit == std::string_view::npos ? std::string_view() : statement.substr(digit), delivery);
    delivery.has_bypass = statement.find("bypass") != std::string_view::npos;
    return delivery;
}

bool is_about_state(const json& left) {
    return left.is_object() && left.contains("ct") && left.at("ct").is_object() &&
           left.at("ct").value("key", "") == "state";
}

/// One rule as it is read, expression by expression.
class Reader {
 public:
    explicit Reader(std::string_view text) : text_(text) {}

    void read(const json& expression) {
        for (const auto& [name, value] : expression.items()) {
            read(name, value);
        }
    }
    Rule finish(std::uint64_t handle) {
        rule_.handle = handle;
        rule_.accepts_established =
            rule_.accepts_established || (matches_established_ && rule_.fate == Fate::accepts);
        return std::move(rule_);
    }

 private:
    void read(const std::string& name, const json& value) {
        if (name == "accept") {
            rule_.fate = Fate::accepts;
        } else if (name == "drop" || name == "reject") {
            rule_.fate = Fate::drops;
        } else if (name == "return") {
            rule_.fate = Fate::returns;
        } else if (name == "jump" || name == "goto") {
            rule_.fate = name == "jump" ? Fate::jumps : Fate::goes_to;
            rule_.target = value.value("target", "");
        } else if (name == "queue") {
            rule_.fate = Fate::queues;
            rule_.delivery = queue_of(value);
        } else if (name == "log") {
            if (value.is_object() && value.contains("group")) {
                const std::uint16_t group = number_of(value.at("group"));
                rule_.delivery = Delivery{.is_queue = false, .first = group, .last = group};
            }
        } else if (name == "match") {
            read_match(value);
        } else if (name == "vmap") {
            read_map(value);
        } else if (name == "xt") {
            read_compat(value);
        } else if (name != "counter" && name != "mangle" && name != "notrack") {
            rule_.is_for_all = false;  // limit, quota, meters: not for every packet
        }
    }

    void read_match(const json& match) {
        rule_.is_for_all = false;
        const json left = match.value("left", json());
        const json right = match.value("right", json());
        if (is_about_state(left)) {
            const bool is_negated = match.value("op", "") == "!=";
            const bool names_established = holds(right, "established");
            matches_established_ = names_established && !is_negated;
            rule_.skips_established = names_established == is_negated;
        } else if (left.is_object() && left.contains("meta") &&
                   left.at("meta").value("key", "") == "nfproto") {
            rule_.is_ipv4_only = holds(right, "ipv4");
            rule_.is_ipv6_only = holds(right, "ipv6");
        } else if (left.is_object() && left.contains("payload")) {
            const std::string protocol = left.at("payload").value("protocol", "");
            rule_.is_ipv4_only = rule_.is_ipv4_only || protocol == "ip";
            rule_.is_ipv6_only = rule_.is_ipv6_only || protocol == "ip6";
        }
    }

    /// `ct state vmap { established : accept, … }`
    void read_map(const json& map) {
        rule_.is_for_all = false;
        if (!is_about_state(map.value("key", json()))) {
            return;
        }
        const json data = map.value("data", json());
        for (const json& entry : data.is_object() ? data.value("set", json::array()) : json::array()) {
            if (entry.is_array() && entry.size() == 2 && holds(entry[0], "established") &&
                entry[1].is_object() && entry[1].contains("accept")) {
                rule_.accepts_established = true;
            }
        }
    }

    /// iptables' own matches and targets: JSON has their names alone.
    void read_compat(const json& extension) {
        const std::string type = extension.is_object() ? extension.value("type", "") : "";
        const std::string name = extension.is_object() ? extension.value("name", "") : "";
        rule_.is_compat = true;
        if (type == "match") {
            if (name == "comment") {
                return;
            }
            rule_.is_for_all = false;
            if (name == "conntrack" || name == "state") {
                const bool names_established = text_.find("established") != std::string_view::npos;
                matches_established_ = names_established;
                rule_.skips_established = !names_established;
            }
        } else if (name == "NFQUEUE" || (name.empty() && text_.find("queue ") != std::string_view::npos)) {
            rule_.fate = Fate::queues;
            rule_.delivery = delivery_in(text_).value_or(Delivery{.is_queue = true, .is_known = false});
        } else if (name == "NFLOG") {
            rule_.delivery = Delivery{.is_queue = false, .is_known = false};
        } else if (name == "REJECT") {
            rule_.fate = Fate::drops;
        }
    }

    std::string_view text_;
    Rule rule_;
    bool matches_established_ = false;
};

Chain* chain_of(Ruleset& ruleset, const json& rule) {
    const auto found = std::ranges::find_if(ruleset.chains, [&rule](const Chain& chain) {
        return chain.family == rule.at("family").get<std::string>() &&
               chain.table == rule.at("table").get<std::string>() &&
               chain.name == rule.at("chain").get<std::string>();
    });
    return found == ruleset.chains.end() ? nullptr : &*found;
}

Ruleset read_all(const json& listing, const Texts& texts) {
    Ruleset ruleset;
    for (const json& entry : listing.at("nftables")) {
        if (entry.contains("chain")) {
            const json& chain = entry.at("chain");
            ruleset.chains.push_back({.family = chain.at("family"),
                                      .table = chain.at("table"),
                                      .name = chain.at("name"),
                                      .hook = chain.value("hook", ""),
                                      .policy = chain.value("policy", ""),
                                      .rules = {}});
        }
    }
    for (const json& entry : listing.at("nftables")) {
        if (!entry.contains("rule")) {
            continue;
        }
        const json& rule = entry.at("rule");
        Chain* const chain = chain_of(ruleset, rule);
        if (chain == nullptr) {
            continue;
        }
        const std::uint64_t handle = rule.at("handle");
        const auto text = texts.find({chain->family, chain->table, chain->name, handle});
        Reader reader(text == texts.end() ? std::string_view() : std::string_view(text->second));
        for (const json& expression : rule.value("expr", json::array())) {
            reader.read(expression);
        }
        chain->rules.push_back(reader.finish(handle));
    }
    return ruleset;
}

}  // namespace

bool Ruleset::has_chain(std::string_view name) const {
    return std::ranges::any_of(chains, [name](const Chain& chain) { return chain.name == name; });
}

bool Ruleset::has_table(std::string_view name) const {
    return std::ranges::any_of(chains, [name](const Chain& chain) { return chain.table == name; });
}

std::expected<Ruleset, std::string> parse_ruleset(std::string_view json_text, std::string_view text) {
    try {
        return read_all(json::parse(json_text), texts_of(text));
    } catch (const json::exception& error) {
        return std::unexpected(std::string("nft's listing: ") + error.what());
    }
}

}  // namespace farewell::doctor
