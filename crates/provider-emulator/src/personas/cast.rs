//! The people whom every emulator starts with.

use serde_json::{Value, json};

use super::{Behaviour, Persona, github_email};

/// Unverified addresses before the verified one of `linus`: more than GitHub's largest page holds.
const UNVERIFIED_BEFORE_LINUS: usize = 119;
/// Organizations before the last one of `linus`: more than GitHub's largest page holds.
const ORGANIZATIONS_BEFORE_THE_LAST: usize = 104;

/// Everybody, in the order in which the page shows them.
pub(super) fn cast() -> Vec<Persona> {
    let usual = [ada(), grace(), linus(), no_name(), renamed(), slow(), refuses()];
    usual.into_iter().chain(world()).chain([unstated(), in_text(), parts()]).collect()
}

fn person(id: &str, title: &str, number: u32, email: &str, explanation: &str) -> Persona {
    let mut persona = Persona::ordinary(id, title, number);
    explanation.clone_into(&mut persona.explanation);
    for told in [&mut persona.google, &mut persona.corporate, &mut persona.github.user] {
        set(told, "email", json!(email));
    }
    set(&mut persona.github.user, "login", json!(login_of(title)));
    persona.github.emails = json!([github_email(email, true, true)]);
    persona
}

fn login_of(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn ada() -> Persona {
    let explanation = "An ordinary person: one verified address everywhere, two organizations, two groups.";
    let mut persona = person("ada", "Ada Moreau", 4_201_017, "ada.moreau@example.com", explanation);
    persona.github.join(&["acme", "Example-Labs"]);
    for claims in [&mut persona.google, &mut persona.corporate] {
        set(claims, "hd", json!("example.com"));
        set(claims, "groups", json!(["admins", "staff"]));
    }
    persona
}

fn grace() -> Persona {
    let address = "grace.lindqvist@example.net";
    let explanation = "Has an address that no provider has verified.";
    let mut persona = person("grace", "Grace Lindqvist", 5_318_842, address, explanation);
    set(&mut persona.google, "email_verified", json!(false));
    set(&mut persona.corporate, "email_verified", json!(false));
    persona.github.emails =
        json!([github_email(address, true, false), github_email("glindqvist@example.org", false, false)]);
    persona
}

fn linus() -> Persona {
    let address = "linus.aaltonen@example.org";
    let explanation = "Shows no address at GitHub; the verified one is on the second page of many, as is the last organization.";
    let mut persona = person("linus", "Linus Aaltonen", 1_024_768, address, explanation);
    let mut emails: Vec<Value> = (1..=UNVERIFIED_BEFORE_LINUS)
        .map(|number| github_email(&format!("linus+{number}@lists.example.org"), false, false))
        .collect();
    emails.push(github_email(address, true, true));
    set(&mut persona.github.user, "email", Value::Null);
    persona.github.emails = Value::Array(emails);
    let mut organizations: Vec<String> =
        (1..=ORGANIZATIONS_BEFORE_THE_LAST).map(|number| format!("kernel-{number}")).collect();
    organizations.push("acme".to_owned());
    persona.github.join(&organizations.iter().map(String::as_str).collect::<Vec<_>>());
    set(&mut persona.corporate, "groups", json!("staff"));
    persona
}

fn no_name() -> Persona {
    let explanation = "Never gave a name or chose a picture: GitHub says null, the issuers say nothing.";
    let mut persona = person("no-name", "Someone unnamed", 7_770_001, "k7xq2@example.com", explanation);
    for claims in [&mut persona.google, &mut persona.corporate] {
        if let Some(members) = claims.as_object_mut() {
            members.remove("name");
            members.remove("picture");
        }
    }
    set(&mut persona.github.user, "name", Value::Null);
    set(&mut persona.github.user, "login", json!("k7xq2"));
    persona
}

fn renamed() -> Persona {
    let explanation = "Comes back under another name and login each time; the account stays the same.";
    let mut persona = person("renamed", "Robin Oduya", 6_093_555, "robin@example.com", explanation);
    persona.behaviour = Behaviour::Renamed;
    persona
}

fn slow() -> Persona {
    let explanation = "The provider takes some seconds to finish the sign-in.";
    let mut persona = person("slow", "Sam Brandt", 8_450_120, "sam.brandt@example.com", explanation);
    persona.behaviour = Behaviour::Slow;
    persona
}

fn refuses() -> Persona {
    let explanation = "Says no when the provider asks whether to share the account.";
    let mut persona = person("refuses", "Noor Haddad", 9_112_300, "noor.haddad@example.com", explanation);
    persona.behaviour = Behaviour::Refuses;
    persona
}

/// People whose names need more than letters in a row, with addresses whose domains go beyond ASCII.
fn world() -> [Persona; 3] {
    let explanation = "Writes from right to left, with a joiner inside a word that has to stay.";
    let mahsa = person("mahsa", "مهسا می\u{200c}خواهد", 6_201_411, "mahsa@ایران.example", explanation);
    let explanation = "Has letters that are joined and signs that combine.";
    let kshitij = person("kshitij", "क्षितिज श्रीवास्तव", 6_201_412, "kshitij@भारत.example", explanation);
    let explanation = "Has a character of four bytes, and an address at a Japanese domain.";
    let yoshino = person("yoshino", "𠮷野家 太郎", 6_201_413, "taro@例え.jp", explanation);
    [mahsa, kshitij, yoshino].map(|mut persona| {
        set(&mut persona.github.user, "login", json!(persona.id));
        persona
    })
}

fn unstated() -> Persona {
    let explanation = "The issuers state an address and not whether it is verified, as Entra ID does; GitHub does not show it at all.";
    let address = "uma.unstated@example.com";
    let mut persona = person("unstated", "Uma Vance", 6_201_414, address, explanation);
    for claims in [&mut persona.google, &mut persona.corporate].into_iter().filter_map(Value::as_object_mut) {
        claims.remove("email_verified");
    }
    persona.github.emails = json!([]);
    persona
}

fn in_text() -> Persona {
    let explanation = "The issuers write the text true where the boolean is meant, as Cognito and Apple do.";
    let mut persona = person("in-text", "Tova Lind", 6_201_415, "tova.lind@example.com", explanation);
    set(&mut persona.google, "email_verified", json!("true"));
    set(&mut persona.corporate, "email_verified", json!("true"));
    persona
}

fn parts() -> Persona {
    let explanation = "The issuers give a first name, a family name and a nickname, and no whole name; a role lies inside another claim.";
    let address = "m.wisniewska@example.com";
    let mut persona = person("parts", "Małgorzata Wiśniewska-Nowak", 6_201_416, address, explanation);
    for claims in [&mut persona.google, &mut persona.corporate] {
        if let Some(members) = claims.as_object_mut() {
            members.remove("name");
        }
        set(claims, "given_name", json!("Małgorzata"));
        set(claims, "family_name", json!("Wiśniewska-Nowak"));
        set(claims, "nickname", json!("gosia"));
        set(claims, "realm_access", json!({"roles": ["staff"]}));
    }
    persona
}

/// Gives a person the name of their sign-in number `visit`: the first name stays, the surname goes round.
pub(super) fn rename(persona: &mut Persona, visit: usize) {
    const SURNAMES: [&str; 3] = ["Hale", "Castellano", "Winther"];
    let first = persona.title.split(' ').next().unwrap_or_default();
    let surname = SURNAMES.iter().cycle().nth(visit - 1).copied().unwrap_or_default();
    let name = format!("{first} {surname} {visit}");
    for told in [&mut persona.google, &mut persona.corporate, &mut persona.github.user] {
        set(told, "name", json!(name));
    }
    set(&mut persona.github.user, "login", json!(login_of(&name)));
}

/// Sets a member of an object; what is no object stays as a test made it.
fn set(value: &mut Value, member: &str, to: Value) {
    if let Some(members) = value.as_object_mut() {
        members.insert(member.to_owned(), to);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn subjects_differ_between_people_and_are_stable() {
        let mut subjects: Vec<String> =
            cast().iter().map(|persona| persona.google["sub"].to_string()).collect();
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), cast().len());
        assert_eq!(cast(), cast());
    }

    #[test]
    fn a_renamed_person_keeps_every_id() {
        let before = renamed();
        let mut after = before.clone();
        rename(&mut after, 1);
        assert_eq!(before.google["sub"], after.google["sub"]);
        assert_eq!(before.github.user["id"], after.github.user["id"]);
        assert_ne!(before.github.user["login"], after.github.user["login"]);
        assert_ne!(before.google["name"], after.google["name"]);
    }

    #[test]
    fn organizations_differ_and_one_login_is_one_organization() {
        let of = |persona: Persona| {
            let list = persona.github.organizations.as_array().unwrap().clone();
            list.into_iter().map(|one| (one["login"].to_string(), one["id"].as_u64().unwrap()))
        };
        let (ada, linus): (HashMap<_, _>, HashMap<_, _>) = (of(ada()).collect(), of(linus()).collect());
        assert_eq!(ada["\"acme\""], linus["\"acme\""]);
        let numbers: HashSet<_> = linus.values().collect();
        assert_eq!(numbers.len(), linus.len());
    }

    #[test]
    fn every_picture_is_https() {
        for persona in cast() {
            let avatar = persona.github.user["avatar_url"].as_str().unwrap().to_owned();
            assert!(avatar.starts_with("https://"), "{avatar}");
        }
    }
}
