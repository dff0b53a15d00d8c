//! Conversations that take both sides: weak clients, flows joined midway.

use super::*;

#[test]
fn a_weak_login_is_proven_by_the_job_that_answers_it() {
    let blob = format!("{H64}{H64}");
    let job = format!(r#"{{"blob":"{blob}","job_id":"a4","target":"b88d0600"}}"#);
    let login = r#"> {"id":1,"method":"login","params":{"login":"bob","pass":"x","agent":"own/1"}}"#;
    proven(
        Talk::from_start(),
        1,
        "cryptonote",
        &format!("{login}\n< {{\"id\":1,\"result\":{{\"id\":\"s\",\"job\":{job},\"status\":\"OK\"}}}}"),
    );
    proven(
        Talk::from_start(),
        2,
        "cryptonote",
        &format!("{login}\n< {{\"id\":1,\"result\":\"ok\"}}\n< {{\"method\":\"job\",\"params\":{job}}}"),
    );
    proven(
        Talk::from_start(),
        1,
        "p2pool",
        &format!(
            "{login}\n< {{\"id\":1,\"result\":{{\"id\":\"9f31aa02\",\"job\":{},\"extensions\":[\"algo\"],\"status\":\"OK\"}}}}",
            job.replace("\"a4\"", "\"12\"")
        ),
    );
    proven(Talk::from_start(), 2, "grin", &format!(
        "> {{\"id\":\"0\",\"method\":\"login\",\"params\":{{\"login\":\"bob\",\"pass\":\"\",\"agent\":\"own\"}}}}
         < {{\"id\":\"0\",\"method\":\"login\",\"result\":\"ok\",\"error\":null}}
         < {{\"id\":\"Stratum\",\"method\":\"job\",\"params\":{{\"difficulty\":1,\"height\":16375,\"job_id\":0,\"pre_pow\":\"{blob}\"}}}}"));
    proven(
        Talk::from_start(),
        1,
        "beam",
        "> {\"method\":\"login\",\"api_key\":\"k\",\"id\":4}
         < {\"method\":\"job\",\"id\":\"212\",\"input\":\"<H>\",\"difficulty\":3}",
    );
    proven(
        Talk::from_start(),
        1,
        "cryptonote-self-select",
        &format!(
            "{login}\n< {{\"id\":1,\"result\":{{\"id\":\"s\",\"job\":{{\"job_id\":\"1\",\"target\":\"b88d0600\",\"pool_wallet\":\"4\",\"extra_nonce\":\"e5\"}}}}}}"
        ),
    );
}

#[test]
fn a_client_never_heard_of_is_proven_by_the_pool() {
    proven(
        Talk::from_start(),
        1,
        "stratum-v1",
        r#"
        > {"id":1,"method":"hello.world","params":[]}
        < {"id":1,"result":[[["mining.notify","ae6812eb"]],"08000002",4],"error":null}"#,
    );
    proven(
        Talk::from_start(),
        1,
        "stratum-v1",
        r#"
        > {"m":"greeting"}
        < {"id":null,"method":"mining.set_difficulty","params":[1024]}"#,
    );
    proven(
        Talk::from_start(),
        1,
        "webminerpool",
        r#"
        > {"identifier":"handshake","version":9}
        < {"identifier":"job","job_id":"3","blob":"<H><H>","target":"ffff0000","algo":"cn/r"}"#,
    );
    proven(
        Talk::from_start(),
        2,
        "duino-coin",
        "< 4.3\n> JOB,revox\n< 0123456789012345678901234567890123456789,0123456789012345678901234567890123456789,10",
    );
}

#[test]
fn midway_it_takes_both_sides() {
    let notify = r#"< {"id":null,"method":"mining.notify","params":["7c","<H>","01","02",[],"20000000","1703098c","6b025a01",true]}"#;
    let submit = r#"> {"method":"mining.submit","params":["bc1qcrsk8wwmfaumqtlstm2clpacavsdu6smr0eyds.rig","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    let talk = proven(Talk::midway(), 1, "stratum-v1", &format!("{notify}\n{submit}"));
    assert_eq!(talk.finding.evidence, "mining.submit from the client after a job");
    assert_eq!(talk.finding.wallet, "bc1qcr..eyds.rig");
    proven(Talk::midway(), 1, "stratum-v1", &format!("{submit}\n{notify}"));
    proven(
        Talk::midway(),
        1,
        "stratum-v1",
        &format!("{submit}\n< {{\"id\":4,\"result\":true,\"error\":null}}"),
    );
    proven(
        Talk::midway(),
        1,
        "cryptonote",
        r#"
        > {"id":9,"method":"submit","params":{"id":"s","job_id":"2cad","nonce":"07000000","result":"<H>"}}
        < {"id":9,"jsonrpc":"2.0","error":null,"result":{"status":"OK"}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "cryptonote",
        r#"
        > {"id":2,"method":"keepalived","params":{"id":"s"}}
        < {"id":2,"result":{"status":"KEEPALIVED"}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "eth-proxy",
        r#"
        < {"id":0,"jsonrpc":"2.0","result":["0x<H>","0x<H>","0x<H>","0x31a141"]}
        > {"id":13,"method":"eth_submitWork","params":["0xe427703771be9895","0x<H>","0x<H>"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "kaspa",
        r#"
        < {"method":"mining.notify","params":["1",[1,2,3,18446744073709551615],1700000000]}
        > {"id":3,"method":"mining.submit","params":["kaspa:qq.rig","1","0x00ff00ff00ff00ff"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "equihash",
        r#"
        < {"id":null,"method":"mining.notify","params":["9e","04000000","<H>","<H>","<H>","6b025a05","1c2a3b4c",true]}
        > {"id":4,"method":"mining.submit","params":["u","9e","6b025a05","00","fd4005<H><H><H><H>"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "conflux",
        r#"
        < {"method":"mining.notify","params":["j","123","0x<H>","0x<H>"]}
        > {"id":3,"method":"mining.submit","params":["w","j","0x00ff00ff","0x<H>"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "alephium",
        r#"
        < {"id":null,"method":"mining.notify","params":[{"headerBlob":"00","targetBlob":"ff","jobId":"1"}]}
        > {"id":3,"method":"mining.submit","params":["w","1","00ff00ff"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "ironfish",
        r#"
        < {"id":1,"method":"mining.notify","body":{"miningRequestId":7,"header":"00ff"}}
        > {"id":3,"method":"mining.submit","body":{"miningRequestId":7,"randomness":"00ff"}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "beam",
        r#"
        > {"method":"solution","id":"212","nonce":"0123456789abcdef","output":"<H><H>","jsonrpc":"2.0"}
        < {"method":"result","id":"212","code":1,"description":"accepted"}"#,
    );
    proven(
        Talk::midway(),
        1,
        "ckb",
        r#"
        < {"id":0,"result":{"height":1,"pow_hash":"0x<H>","target":"0x<H>"}}
        > {"id":3,"method":"ckb_submitWork","params":["j","0x00ff"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "nimiq",
        r#"
        < {"message":"new-block","blockHeader":"AAE="}
        > {"message":"share","blockHeader":"AAE=","minerAddrProof":""}"#,
    );
    proven(
        Talk::midway(),
        1,
        "xatum",
        "< job~{\"diff\":10,\"blob\":\"AAE=\",\"algo\":\"xel/0\"}\n> submit~{\"data\":\"AAE=\",\"hash\":\"<H>\"}",
    );
}

#[test]
fn midway_it_takes_both_sides_in_the_rarer_dialects_too() {
    proven(
        Talk::midway(),
        1,
        "duino-coin",
        "< 0123456789012345678901234567890123456789,0123456789012345678901234567890123456789,10
        > 512,180.5,Official PC Miner,rig",
    );
    proven(
        Talk::midway(),
        1,
        "coinhive",
        r#"
        < {"type":"job","params":{"job_id":"3","blob":"<H><H>","target":"ffff0000"}}
        > {"type":"submit","params":{"job_id":"3","nonce":"07000000","result":"<H>"}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "webminerpool",
        r#"
        > {"identifier":"solved","job_id":"3","nonce":"07000000","result":"<H>"}
        < {"identifier":"hashsolved"}"#,
    );
    proven(
        Talk::midway(),
        1,
        "ethereum-stratum-2",
        r#"
        < {"method":"mining.set","params":{"epoch":"dc","target":"<H>","algo":"ethash","extranonce":"af4c"}}
        > {"id":7,"method":"mining.submit","params":["bf0488aa","68765fccd712","w-123"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "ethereum-stratum-1",
        r#"
        < {"method":"mining.notify","params":["bf0488aa","<H>","<H>",true]}
        > {"id":7,"method":"mining.submit","params":["u","bf0488aa","68765fccd712"]}"#,
    );
    proven(
        Talk::midway(),
        1,
        "grin",
        r#"
        > {"id":"0","method":"submit","params":{"edge_bits":29,"height":16419,"job_id":0,"nonce":8895699060858340771,"pow":[4,0,1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41]}}
        < {"id":"Stratum","method":"job","params":{"difficulty":1,"height":16419,"job_id":0,"pre_pow":"<H><H>"}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "cryptonote-self-select",
        r#"
        < {"method":"job","params":{"job_id":"1","target":"b88d0600","pool_wallet":"4","extra_nonce":"e5ff"}}
        > {"id":3,"method":"block_template","params":{"id":"s","job_id":"1","blob":"<H><H>","height":1}}"#,
    );
    proven(
        Talk::midway(),
        1,
        "cryptonote",
        r#"
        > {"id":3,"method":"submit","params":{"id":"s","job_id":"1","nonce":"07000000","result":"<H>"}}
        < {"id":3,"error":{"code":-1,"message":"Low difficulty share"}}"#,
    );
}

#[test]
fn midway_the_ends_may_be_swapped() {
    let mut talk = Talk::midway();
    let submit = r#"{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    assert_eq!(talk.server(submit), Answer::NeedMore);
    assert_eq!(talk.client(r#"{"id":4,"result":true,"error":null}"#), Answer::Match);
}

#[test]
fn a_quoted_conversation_in_one_direction_is_no_proof() {
    let conversation = format!(
        r#"{{"id":1,"method":"mining.subscribe","params":["cgminer/4"]}}
        {{"id":1,"result":[[["mining.notify","ae"]],"08000002",4],"error":null}}
        {{"id":null,"method":"mining.notify","params":["7c","{H64}","01","02",[],"20000000","1703098c","6b025a01",true]}}
        {{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}}
        {{"id":4,"result":true,"error":null}}
        {{"id":5,"method":"login","params":{{"login":"u","pass":"x","agent":"XMRig/6"}}}}
        {{"id":5,"result":{{"status":"KEEPALIVED"}}}}"#
    );
    for direction in [Direction::ToServer, Direction::ToClient] {
        let mut talk = Talk::midway();
        for line in conversation.lines() {
            assert_ne!(talk.say(direction, line), Answer::Match, "{line}");
            talk.say(direction.reverse(), "250 2.0.0 Ok: queued as 4Wnd");
        }
    }
}

#[test]
fn another_requests_success_does_not_answer_a_share() {
    let mut talk = Talk::midway();
    talk.client(r#"{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}"#);
    assert_eq!(talk.server(r#"{"id":5,"result":true}"#), Answer::NeedMore);
    assert_eq!(
        talk.server(r#"{"id":4,"result":null,"error":{"code":-32601,"message":"Method not found"}}"#),
        Answer::NeedMore
    );
    assert_eq!(talk.server(r#"{"id":4,"result":true,"error":{"code":1,"message":"no"}}"#), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":4,"result":false}"#), Answer::NeedMore);
    assert_eq!(talk.client(r#"{"id":4,"result":true}"#), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":4,"result":true}"#), Answer::Match);
}

#[test]
fn a_request_without_an_identifier_wants_an_answer() {
    let mut talk = Talk::from_start();
    assert_eq!(talk.client(r#"{"method":"mining.subscribe","params":["x/1"]}"#), Answer::NeedMore);
    assert_eq!(
        talk.server(r#"{"id":null,"result":[[["mining.notify","ae"]],"08000002",4],"error":null}"#),
        Answer::Match
    );
}

#[test]
fn signs_of_different_families_do_not_add_up() {
    let mut talk = Talk::midway();
    assert_eq!(talk.client(r#"{"id":1,"method":"login","params":{"login":"bob"}}"#), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":null,"method":"mining.set_difficulty","params":[8]}"#), Answer::NeedMore);
    // A hint of another family doesn't undo what is known.
    assert_eq!(talk.client(r#"{"id":2,"method":"keepalived","params":{"id":"x"}}"#), Answer::NeedMore);
    assert_eq!(
        talk.client(r#"{"id":3,"method":"mining.submit","params":["u","7c","00000000","6b025a4e"]}"#),
        Answer::Match
    );
}

#[test]
fn weak_evidence_buys_some_patience() {
    let login = r#"{"id":1,"method":"login","params":{"login":"bob","pass":"x"}}"#;
    let mut talk = Talk::from_start();
    talk.client(login);
    for id in 0..4 {
        assert_eq!(talk.server(r#"{"noise":1}"#), Answer::NeedMore, "{id}");
        assert_eq!(talk.client(r#"{"noise":1}"#), Answer::NeedMore, "{id}");
    }
    let job =
        format!(r#"{{"method":"job","params":{{"job_id":"1","blob":"{H64}{H64}","target":"b88d0600"}}}}"#);
    assert_eq!(talk.server(&job), Answer::Match);

    let mut talk = Talk::from_start();
    talk.client(login);
    let more = (0..100).take_while(|_| {
        talk.client(r#"{"noise":1}"#);
        talk.server(r#"{"noise":1}"#);
        talk.inspection.has_evidence()
    });
    assert!((8..16).contains(&more.count()));
}

#[test]
fn duino_coin_begins_with_the_servers_greeting() {
    let mut queue = Talk::from_start();
    assert_eq!(queue.client("JOB,alice,LOW,report.pdf\n"), Answer::NeedMore);
    assert_eq!(queue.server("OK,1\n"), Answer::NeedMore);
    for job in ["JOB,revox,MEDIUM,None,CPU Temperature:45", "JOB,revox,AVR,key\n", "JOB,revox,ESP8266H,key"] {
        let mut talk = Talk::from_start();
        assert_eq!(talk.server("4.3"), Answer::NeedMore);
        assert_eq!(talk.client(job), Answer::Match, "{job}");
    }
}

#[test]
fn grins_nodes_repeat_the_method_in_the_response() {
    for program in ["epic", "mwc"] {
        let pre_pow = H64.repeat(4);
        let mut talk = Talk::from_start();
        let script = format!(
            r#"> {{"id":"0","jsonrpc":"2.0","method":"login","params":{{"login":"me","pass":"x","agent":"{program}"}}}}
            < {{"id":"0","jsonrpc":"2.0","method":"login","result":"ok","error":null}}
            > {{"id":"0","jsonrpc":"2.0","method":"getjobtemplate","params":null}}
            < {{"id":"0","jsonrpc":"2.0","method":"getjobtemplate","result":{{"difficulty":1,"height":1,"job_id":0,"pre_pow":"{pre_pow}"}},"error":null}}"#
        );
        assert_eq!(talk.script(&script), (3, Answer::Match));
        assert_eq!(talk.finding.dialect, Some(Dialect::Grin));
    }
}

#[test]
fn the_fields_of_a_header_make_a_job_too() {
    let script = format!(
        r#"> {{"method":"login","params":{{"login":"u_1","pass":"123","agent":"b3/2.0"}},"id":1}}
        < {{"id":1,"result":{{"id":"u_1","job":{{"height":"00","previous_block_hash":"{H64}","seed":"{H64}","job_id":"16942","target":"c5a70000"}},"status":"OK"}}}}"#
    );
    proven(Talk::from_start(), 1, "cryptonote", &script);
}

#[test]
fn two_exchanges_of_another_sort_do_not_hide_it() {
    let mut talk = Talk::from_start();
    let (at, answer) = talk.script(
        r#"> {"hello":1}
        < {"motd":"welcome"}
        > {"version":2}
        < {"ok":true}
        > {"id":1,"method":"mining.subscribe","params":["x"]}"#,
    );
    assert_eq!((at, answer), (4, Answer::Match));
}

#[test]
fn a_grin_miner_that_finds_nothing_is_told_by_its_keepalive() {
    let job = format!(
        r#"{{"id":"Stratum","jsonrpc":"2.0","method":"job","params":{{"height":1,"job_id":0,"pre_pow":"{}"}}}}"#,
        H64.repeat(4)
    );
    let mut talk = Talk::midway();
    assert_eq!(talk.server(&job), Answer::NeedMore);
    assert_eq!(
        talk.client(r#"{"id":"0","jsonrpc":"2.0","method":"keepalive","params":null}"#),
        Answer::Match
    );
}
